"""The look of the page: light and dark, from the width of a phone up."""

from __future__ import annotations

CSS = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1d2430;--quiet:#5b6574;
--faint:#d5dae1;--good:#2e9e6b;--fair:#e0a100;--bad:#d64545;--resolve:#8d99ae;--connect:#4c78c9;
--tls:#8a63d2;--greeting:#2aa3a3;--dialogue:#e08a3c;
--submit:#4a90d9;--arrive:#7aa83a}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b212a;--ink:#e6eaf0;--quiet:#9aa5b5;
--faint:#333c49;--good:#46c48c;--fair:#f0bb3c;--bad:#f06a6a;--resolve:#9aa7bd;--connect:#7aa2f0;
--tls:#b294f0;--greeting:#52c9c9;--dialogue:#f0a765;
--submit:#7fb5ee;--arrive:#a4cf66}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:1.5rem;line-height:1.25;margin:.4em 0 .1em}
h2{font-size:1.15rem;margin:2em 0 .6em}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.4em 0}
.say{font-size:1.125rem;font-weight:600;margin-top:1em}
.quiet{color:var(--quiet)}
.tiles,.grid{display:grid;gap:12px}
.tiles{grid-template-columns:repeat(auto-fit,minmax(140px,1fr));margin-top:16px}
.grid{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.card,.tile{background:var(--card);border:1px solid var(--faint);border-radius:10px;padding:14px}
.tile b{display:block;font-size:1.4rem;line-height:1.2}
.tile span{color:var(--quiet);font-size:.875rem}
.head{display:flex;justify-content:space-between;gap:12px;align-items:baseline}
.head b{white-space:nowrap}
.good{color:var(--good)}.fair{color:var(--fair)}.bad{color:var(--bad)}
figure{margin:10px 0 0}
figcaption{font-size:.8125rem;color:var(--quiet)}
svg{display:block;width:100%;height:auto;overflow:visible;color:var(--quiet)}
svg text{font-family:inherit}
.wide{display:none}
@media(min-width:700px){.wide{display:block}.narrow{display:none}}
.key{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:.8125rem;color:var(--quiet);margin:0 0 10px;
padding:0;list-style:none}
.key i{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.4em}
details{margin-top:12px}
summary{cursor:pointer}
summary .when{color:var(--quiet)}
.cause{font-weight:600;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.875rem}
th,td{text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-top:1px solid var(--faint);
overflow-wrap:anywhere}
thead th{border-top:0;color:var(--quiet);font-weight:600}
tbody th{font-weight:400;color:var(--quiet);width:30%}
@media(max-width:599px){.pair thead{display:none}
.pair tr{display:block;border-top:1px solid var(--faint);padding:4px 0}
.pair th,.pair td{display:block;width:auto;border:0;padding:0}
.pair td{padding-left:4.5em;position:relative;min-height:1.5em}
.pair td::before{position:absolute;left:0;color:var(--quiet)}
.pair td:nth-child(2)::before{content:"before"}.pair td:nth-child(3)::before{content:"after"}
.pair td:empty{display:none}}
ul{margin:.4em 0;padding-left:1.2em}
li{overflow-wrap:anywhere}
h4{font-size:.875rem;margin:1.2em 0 .3em}
pre{margin:0;padding:10px;border-radius:6px;background:var(--page);font-size:.75rem;line-height:1.45;
overflow-x:auto;max-height:22em}
@media print{body{background:#fff}.card,.tile{break-inside:avoid}
pre{max-height:none;white-space:pre-wrap}}
"""

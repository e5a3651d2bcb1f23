/** The style sheet of all pages: light and dark by the reader's setting, one column on a phone, plain on paper. */
export const styleSheet = `
:root {
  --page: #fbfbfa; --card: #ffffff; --ink: #1c1f23; --soft: #565d66; --rule: #dcdfe3; --faint: #eef0f2;
  --accent: #1f5fbf; --magnet: #1f5fbf; --triplet: #b3470b; --softmax: #0b7468; --warm: #6b7280;
  --right: #14703c; --wrong: #b42318; --refresh: #8a6d00; --resume: #a21caf; --bar: #c4d6f1;
  --m0: #2f6bc4; --m1: #d9822b; --m2: #2f8f7b; --m3: #a3489b; --m4: #8f9299;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1b1f24; --ink: #e8eaed; --soft: #a7afb9; --rule: #343a42; --faint: #252a31;
    --accent: #82b1ff; --magnet: #82b1ff; --triplet: #ff9d5c; --softmax: #4fd1bd; --warm: #9aa3ae;
    --right: #6ddb98; --wrong: #ff8f85; --refresh: #e0bf4a; --resume: #e79bf0; --bar: #2c4a75;
    --m0: #6fa3ee; --m1: #eda35c; --m2: #5cc1ab; --m3: #d58ccf; --m4: #7d838c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { margin: 0 0 .6rem; font-size: clamp(1.7rem, 4vw, 2.4rem); letter-spacing: -.015em; }
h2 { margin: 0 0 1rem; font-size: 1.4rem; letter-spacing: -.01em; }
h3 { margin: 1.8rem 0 .6rem; font-size: 1.08rem; }
h4 { margin: 0; font-size: .95rem; }
p { margin: 0 0 .8rem; max-width: 72ch; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: .5rem; }
.kind { margin: 0 0 .3rem; color: var(--soft); font-size: .85rem; letter-spacing: .06em; text-transform: uppercase; }
.headline { font-size: clamp(1.1rem, 2.2vw, 1.3rem); line-height: 1.5; }
.headline strong { white-space: nowrap; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1.2rem 0 0; padding: 0; list-style: none; font-size: .92rem; }
section { margin-top: 2.2rem; padding-top: 1.8rem; border-top: 1px solid var(--rule); }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .88rem; }
.soft { color: var(--soft); }
.small { font-size: .88rem; }
.name { overflow-wrap: anywhere; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.note { padding: .7rem 1rem; border-left: 4px solid var(--refresh); background: var(--faint); max-width: 76ch; }
.scroll { position: relative; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { padding: 0 0 .5rem; text-align: left; color: var(--soft); font-size: .9rem; }
th, td { padding: .42rem .8rem .42rem 0; border-bottom: 1px solid var(--faint); text-align: left; vertical-align: baseline; }
th { font-weight: 600; }
thead th { border-bottom: 1px solid var(--rule); color: var(--soft); font-size: .85rem; vertical-align: bottom; }
tbody th { min-width: 7rem; font-weight: 500; }
tbody.group > tr:first-child > th { padding-top: 1.1rem; color: var(--ink); font-size: .95rem; font-weight: 650; }
.number { text-align: right; white-space: nowrap; }
.nowrap { white-space: nowrap; }
td.number + td:not(.number), th.number + th:not(.number) { padding-left: 1rem; }
.scroll + p { margin-top: 1rem; }
tr.chosen th, tr.chosen td { font-weight: 650; }
tr.baseline th, tr.baseline td { color: var(--soft); }
.tag { margin-left: .4rem; padding: .05rem .45rem; border: 1px solid currentColor; border-radius: 1rem; color: var(--accent); font-size: .75rem; font-weight: 600; white-space: nowrap; }
td.best { color: var(--accent); font-weight: 700; }
.scale { width: 22%; min-width: 6rem; }
svg { display: block; max-width: 100%; height: auto; }
.gauge { width: 100%; height: .7rem; }
.gauge rect { fill: var(--bar); }
tr.chosen .gauge rect { fill: var(--accent); }
tr.baseline .gauge rect { fill: var(--rule); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 0 0 1.6rem; padding: 0; }
.facts > div { padding: .8rem 1rem; border: 1px solid var(--rule); border-radius: .6rem; background: var(--card); }
.facts dt { color: var(--soft); font-size: .84rem; }
.facts dd { margin: .1rem 0 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -.01em; }
.facts dd small { display: block; color: var(--soft); font-size: .82rem; font-weight: 400; letter-spacing: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.2rem; }
figure { margin: 0; min-width: 0; }
figure.chart { padding: 1rem; border: 1px solid var(--rule); border-radius: .6rem; background: var(--card); break-inside: avoid; }
figure.chart figcaption { margin-bottom: .4rem; font-weight: 600; }
figure.chart figcaption span { display: block; color: var(--soft); font-size: .86rem; font-weight: 400; }
.chart svg { width: 100%; }
.chart text { fill: var(--soft); font: 12.5px system-ui, sans-serif; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
.raw { fill: none; stroke-width: 1; opacity: .28; stroke-linejoin: round; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.s-magnet { stroke: var(--magnet); } .s-triplet { stroke: var(--triplet); } .s-softmax { stroke: var(--softmax); } .s-warm { stroke: var(--warm); }
.f-magnet { fill: var(--magnet); } .f-triplet { fill: var(--triplet); } .f-softmax { fill: var(--softmax); } .f-warm { fill: var(--warm); }
.refresh { stroke: var(--refresh); stroke-width: 1.6; }
.resume { stroke: var(--resume); stroke-width: 1.4; stroke-dasharray: 3 3; }
.resume-head { fill: var(--resume); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.2rem; margin: 1rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
.legend li { display: flex; align-items: center; gap: .45rem; }
.legend svg { flex: none; }
.clusters { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 1rem; }
.cluster { padding: .8rem; border: 1px solid var(--rule); border-radius: .6rem; background: var(--card); break-inside: avoid; }
.cluster header { display: flex; justify-content: space-between; gap: .6rem; margin-bottom: .5rem; font-size: .9rem; }
.strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: .3rem; margin: 0; padding: 0; list-style: none; }
.thumb { display: block; width: 100%; aspect-ratio: 1; border-radius: .3rem; background: var(--faint); object-fit: cover; image-rendering: pixelated; }
.missing { display: flex; align-items: center; justify-content: center; overflow: hidden; padding: .2rem; color: var(--soft); font-size: .6rem; line-height: 1.2; overflow-wrap: anywhere; }
.makeup { width: 100%; height: .7rem; margin: .6rem 0 .35rem; }
.m0 { fill: var(--m0); } .m1 { fill: var(--m1); } .m2 { fill: var(--m2); } .m3 { fill: var(--m3); } .m4 { fill: var(--m4); }
.parts { margin: 0; padding: 0; list-style: none; font-size: .85rem; }
.parts li { display: grid; grid-template-columns: .8rem 1fr auto; gap: .45rem; align-items: baseline; }
.parts svg { width: .7rem; height: .7rem; }
.queries { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: .8rem; margin: 0; padding: 0; list-style: none; }
.query { display: grid; grid-template-columns: 5.5rem 1fr; gap: .9rem; padding: .8rem; border: 1px solid var(--rule); border-radius: .6rem; background: var(--card); break-inside: avoid; }
.query .label { font-size: .8rem; line-height: 1.3; }
.near { display: grid; grid-template-columns: repeat(auto-fill, minmax(3.8rem, 1fr)); gap: .4rem; margin: 0; padding: 0; list-style: none; font-size: .74rem; line-height: 1.25; }
.near .thumb { margin-bottom: .2rem; border: 3px solid transparent; }
.near .right .thumb { border-color: var(--right); }
.near .wrong .thumb { border: 3px dashed var(--wrong); }
.clamp { display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 3; }
.verdict { font-weight: 650; }
.right .verdict, .verdict.right { color: var(--right); }
.wrong .verdict, .verdict.wrong { color: var(--wrong); }
pre { margin: 0 0 1rem; padding: .9rem 1rem; border: 1px solid var(--rule); border-radius: .5rem; background: var(--faint); overflow-x: auto; font-size: .86rem; line-height: 1.5; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
code, .digest { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; }
.digest { overflow-wrap: anywhere; }
details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
details > :not(summary) { margin-top: .8rem; }
dl.meanings { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; font-size: .92rem; }
dl.meanings dt { font-weight: 600; } dl.meanings dd { margin: 0; color: var(--soft); }
@media (max-width: 40rem) {
  .wide { display: none; }
  dl.meanings { grid-template-columns: 1fr; gap: 0; } dl.meanings dd { margin-bottom: .5rem; }
  .query { grid-template-columns: 4.2rem 1fr; }
  th, td { padding-right: .55rem; }
}
@media print {
  :root { --page: #fff; --card: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip { display: none; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;

"""The looks of the paper to sign: for print first, black on white, no fonts or pictures from anywhere."""

STYLE = """
@page { size: letter; margin: 0.85in 0.85in 0.9in; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt Georgia, serif; color: #555; } }
* { box-sizing: border-box; }
html { font: 10.5pt/1.42 Georgia, "Times New Roman", serif; color: #111; background: #fff; }
body { margin: 0 auto; max-width: 7in; }
header { border-bottom: 2pt solid #111; margin-bottom: 10pt; padding-bottom: 6pt; }
header .kind { font-size: 10pt; letter-spacing: 0.08em; text-transform: uppercase; margin: 0; color: #333; }
h1 { font-size: 19pt; line-height: 1.2; margin: 2pt 0 4pt; }
h2 { font-size: 12.5pt; margin: 18pt 0 5pt; border-bottom: 0.5pt solid #999; padding-bottom: 2pt;
  break-after: avoid; display: flex; align-items: baseline; gap: 8pt; justify-content: space-between; }
h3 { font-size: 11pt; margin: 12pt 0 3pt; break-after: avoid; }
p { margin: 3pt 0; }
ul { margin: 3pt 0 3pt 16pt; padding: 0; }
header .id { font-weight: bold; }
code { font: 8pt/1.3 "DejaVu Sans Mono", Consolas, monospace; color: #444; overflow-wrap: anywhere; }
.digest { font-size: 9pt; }
.digest code { display: block; white-space: nowrap; }
header p, .way { break-after: avoid; }
.legend { border: 0.5pt solid #999; padding: 5pt 8pt; font-size: 9.5pt; break-inside: avoid; }
.mark { display: inline-block; font: 8pt/1.35 Arial, Helvetica, sans-serif; white-space: nowrap; padding: 0.5pt 4pt;
  border: 0.5pt solid #666; border-radius: 2pt; color: #111; background: #fff; vertical-align: 1pt; }
.mark.here { background: #e3efe3; border-color: #3c6e3c; }
.mark.partner { background: #f6efd9; border-color: #8a6d1f; }
.mark.paper { background: #fff; border-style: dashed; }
.why, .small { font-size: 9pt; color: #444; }
.way { font-size: 11pt; }
table { border-collapse: collapse; width: 100%; margin: 4pt 0; }
th, td { text-align: left; vertical-align: top; padding: 2.5pt 6pt 2.5pt 0; border-bottom: 0.25pt solid #bbb; }
thead th { font: bold 8.5pt Arial, Helvetica, sans-serif; color: #333; border-bottom: 0.75pt solid #555; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
table.points { break-inside: avoid; }
table.long { break-inside: auto; }
.points th { width: 26%; font-weight: bold; font-size: 9.5pt; }
.points td { font-size: 10pt; }
.points .marked { width: 24%; text-align: right; padding-right: 0; }
.numbered td:first-child { width: 3em; font-weight: bold; }
.fields { table-layout: fixed; font-size: 9.5pt; margin-top: 8pt; }
.fields caption { text-align: left; font: bold 9.5pt Arial, Helvetica, sans-serif; padding: 2pt 0; break-after: avoid; }
.fields th:last-child { width: 21%; }
.fields.three th:first-child { width: 47%; }
.fields .label { text-align: right; padding-right: 0; }
.fields th:last-child { text-align: right; padding-right: 0; }
.unlisted { font-size: 9pt; margin-top: 8pt; }
dl { margin: 4pt 0; display: grid; grid-template-columns: 26% 1fr; gap: 3pt 8pt; }
dt { font-weight: bold; } dd { margin: 0; }
.signature { break-inside: avoid; margin-top: 16pt; }
.signature .lines { display: grid; grid-template-columns: 2fr 2fr; gap: 20pt 18pt; margin-top: 20pt; }
.signature .lines div { border-top: 0.75pt solid #111; font: 8pt Arial, Helvetica, sans-serif; padding-top: 2pt; }
@media screen { body { padding: 0.5in; max-width: 8.5in; box-shadow: 0 0 6px #aaa; margin: 12px auto; } }
"""

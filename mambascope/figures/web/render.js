// Renders Vega-Lite specifications as SVG in Node.js, without a browser: render(spec) returns a promise of the SVG's text. It needs the
// globals vega and vegaLite, and follows theme.js in one script.
'use strict';

(() => {
// Widths of the characters from space to ~ in thousandths of the font's size: those of Helvetica, Arial and Liberation Sans. Without a canvas
// vega itself would take 0.8 of the font's size for every character.
const regular = [278,278,355,556,556,889,667,191,333,333,389,584,278,333,278,278,556,556,556,556,556,556,556,556,556,556,278,278,584,584,584,
  556,1015,667,667,722,722,667,611,778,722,278,500,667,556,833,722,778,667,778,722,667,611,722,667,944,667,667,611,278,278,278,469,556,333,556,
  556,500,556,556,278,556,556,222,222,500,222,833,556,556,556,556,333,500,278,556,500,722,500,500,500,334,260,334,584];
const bold = [278,333,474,556,556,889,722,238,333,333,389,584,278,333,278,278,556,556,556,556,556,556,556,556,556,556,333,333,584,584,584,611,
  975,722,722,722,722,667,611,778,722,278,556,722,611,833,722,778,667,778,722,667,611,722,667,944,667,667,611,333,278,333,584,556,333,556,611,
  556,611,556,333,611,611,278,278,556,278,889,611,611,611,611,389,556,333,611,556,778,556,556,500,389,280,389,584];

function characterWidth(code, widths) {
  if (code >= 0x20 && code < 0x7f) return widths[code - 0x20];
  if (code === 0xb7) return 278;                                            // the dot that stands for a space
  if (code === 0x2026 || (code >= 0x2190 && code < 0x2200)) return 1000;    // an ellipsis, arrows
  if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code < 0x2010)) return 0;  // combining marks
  if ((code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xd7a4) || (code >= 0xf900 && code < 0xfb00) || code >= 0x1f300) return 1000;
  return 600;
}

vega.textMetrics.width = (item, text) => {
  const widths = item.fontWeight === 'bold' || +item.fontWeight >= 600 ? bold : regular;
  let width = 0;
  for (const character of String(text ?? '').trim()) width += characterWidth(character.codePointAt(0), widths);
  width *= vega.textMetrics.height(item) / 1000;
  return item.limit > 0 ? Math.min(width, +item.limit) : width;  // vega cuts longer text
};

globalThis.render = async spec => {
  vega.resetSVGDefIds();  // a figure's text does not depend on the figures before it
  const view = new vega.View(vega.parse(vegaLite.compile(withoutHelpers(spec), {config: theme(false)}).spec), {renderer: 'none'});
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
};
})();

// Draws the page's figures: each section holds its Vega-Lite specification as JSON. Sets data-state of the section, and at the end of the
// whole document, to "drawn" or "failed".
'use strict';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
let chosenDark = null;  // what the button says; null: as the system
const isDark = () => chosenDark ?? systemDark.matches;

// Colours of axes, titles and legends. What a figure's marks look like in the dark is its specification's own affair.
function theme(dark) {
  const [paper, ink, soft, line] = dark ? ['#17171a', '#e6e6ea', '#b4b4bd', '#34343a'] : ['#ffffff', '#1c1c20', '#50505a', '#e8e8ec'];
  return {
    background: paper,
    title: {color: ink, subtitleColor: soft},
    axis: {labelColor: ink, titleColor: soft, gridColor: line, domainColor: line, tickColor: line},
    legend: {labelColor: ink, titleColor: soft},
  };
}

function withDark(spec, dark) {
  const params = spec.params?.map(param => (param.name === 'dark' ? {...param, value: dark} : param));
  return params ? {...spec, params} : spec;
}

async function draw(section) {
  const plot = section.querySelector('.plot');
  try {
    const spec = JSON.parse(section.querySelector('script').textContent);
    section.figure?.finalize();
    section.figure = await vegaEmbed(plot, withDark(spec, isDark()), {
      mode: 'vega-lite',
      renderer: 'svg',
      ast: true,  // expressions are interpreted, so the page can forbid eval
      defaultStyle: false,
      actions: {export: {svg: true, png: true}, source: false, compiled: false, editor: false},
      i18n: {SVG_ACTION: 'Save SVG', PNG_ACTION: 'Save PNG'},
      scaleFactor: {png: 3, svg: 1},
      downloadFileName: spec.name || section.id,
      tooltip: {theme: isDark() ? 'dark' : 'light'},
      config: theme(isDark()),
    });
    section.dataset.state = 'drawn';
  } catch (error) {
    plot.replaceChildren(Object.assign(document.createElement('div'), {className: 'error', textContent: `${section.id}: ${error}`}));
    section.dataset.state = 'failed';
  }
}

const sections = [...document.querySelectorAll('section')];

async function drawAll() {
  for (const section of sections) {
    await draw(section);
    await new Promise(resolve => setTimeout(resolve));  // lets the browser show it before the next one is drawn
  }
  const failed = sections.some(section => section.dataset.state === 'failed');
  document.documentElement.dataset.state = failed ? 'failed' : 'drawn';
}

// The text of a specification is put on the page when someone asks for it: it can be longer than all the rest.
for (const section of sections) {
  section.querySelector('details').addEventListener('toggle', event => {
    const spec = JSON.parse(section.querySelector('script').textContent);
    event.target.querySelector('pre').textContent = JSON.stringify(spec, null, 1);
  }, {once: true});
}

document.querySelector('#theme').addEventListener('click', () => {
  chosenDark = !isDark();
  document.documentElement.style.colorScheme = chosenDark ? 'dark' : 'light';
  drawAll();
});
systemDark.addEventListener('change', drawAll);
drawAll();

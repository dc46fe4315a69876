// The server's Vega-Lite figures and tables, drawn as report pages draw them.
import {Figure, Table} from './api';
import {button, download, el} from './dom';
import {figureColours, isDark, onTheme} from './theme';

interface VegaView {
  toSVG(): Promise<string>;
  toImageURL(type: string, scale?: number): Promise<string>;
}
interface Embedded {
  view: VegaView;
  finalize(): void;
}
declare const vegaEmbed: (host: HTMLElement, spec: object, options: object) => Promise<Embedded>;

interface Param {
  name: string;
  value?: unknown;
}

function withDark(spec: Record<string, unknown>): Record<string, unknown> {
  const params = spec.params as Param[] | undefined;
  if (!params) return spec;
  return {
    ...spec,
    params: params.map(param => (param.name === 'dark' ? {...param, value: isDark()} : param))
  };
}

function titleOf(spec: Record<string, unknown>): unknown {
  const title = spec.title as {text?: unknown} | string | undefined;
  const text = typeof title === 'object' ? title?.text : title;
  return Array.isArray(text) ? text.join(' ') : text;  // lines of a long title
}

const embedOptions = () => ({
  mode: 'vega-lite',
  renderer: 'svg',
  ast: true,  // expressions are interpreted, so the page can forbid eval
  defaultStyle: false,
  actions: false,
  tooltip: {theme: isDark() ? 'dark' : 'light'},
  config: figureColours(),
});

class Plot {
  readonly root: HTMLElement;
  private readonly host = el('div', {className: 'plot'});
  private embedded: Embedded|null = null;

  constructor(private readonly figure: Figure) {
    const name = String(figure.spec.name ?? 'figure');
    const save = async (type: 'svg'|'png') => {
      if (!this.embedded) return;
      const url = await this.embedded.view.toImageURL(type, type === 'png' ? 3 : 1);
      el('a', {href: url, download: `${name}.${type}`}).click();
    };
    const json = () => download(
        new Blob([JSON.stringify(figure.spec, null, 1)], {type: 'application/json'}),
        `${name}.vl.json`);
    const heading = el('h3', {textContent: figure.heading});
    // The picture itself says it, too.
    if (titleOf(figure.spec) === figure.heading) heading.className = 'off-screen';
    this.root =
        el('section', {className: 'figure'}, heading, this.host,
           el('p', {className: 'caption', textContent: figure.caption}),
           el('div', {className: 'figure-actions'}, button('Save SVG', () => void save('svg')),
              button('Save PNG', () => void save('png')), button('Save Vega-Lite', json)));
    this.host.tabIndex = 0;  // so that the arrow keys scroll it
    this.host.role = 'group';
    this.host.ariaLabel = figure.heading;
  }

  async draw(): Promise<void> {
    const old = this.embedded;
    const fresh = el('div');
    this.embedded = await vegaEmbed(fresh, withDark(this.figure.spec), embedOptions());
    this.host.replaceChildren(fresh);
    old?.finalize();
  }

  finalize(): void {
    this.embedded?.finalize();
  }
}

function tableElement(table: Table): HTMLElement {
  const head =
      el('tr', {}, ...table.columns.map(text => el('th', {scope: 'col', textContent: text})));
  const rows = table.rows.map(
      row =>
          el('tr', {className: row.is_marked ? 'marked' : ''},
             ...row.cells.map(text => el('td', {textContent: text}))));
  const scroller =
      el('div', {className: 'table', tabIndex: 0, role: 'group', ariaLabel: table.heading},
         el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows)));
  return el(
      'section', {className: 'figure'}, el('h3', {textContent: table.heading}),
      el('p', {className: 'caption', textContent: table.caption}), scroller);
}

// A place for figures. Figures are drawn before they replace the earlier ones, so nothing flickers.
export class Figures {
  readonly root = el('div', {className: 'figures'});
  private plots: Plot[] = [];
  private turn = 0;

  constructor() {
    onTheme(() => {
      if (this.root.isConnected) this.plots.forEach(plot => void plot.draw());
    });
  }

  // Returns false if others were shown meanwhile.
  async show(figures: Figure[], tables: Table[] = []): Promise<boolean> {
    const turn = ++this.turn, plots = figures.map(figure => new Plot(figure));
    for (const plot of plots) await plot.draw();
    if (turn !== this.turn) {
      plots.forEach(plot => plot.finalize());
      return false;
    }
    this.clear();
    this.plots = plots;
    this.root.append(...plots.map(plot => plot.root), ...tables.map(tableElement));
    return true;
  }

  clear(): void {
    ++this.turn;
    this.plots.forEach(plot => plot.finalize());
    this.plots = [];
    this.root.replaceChildren();
  }
}

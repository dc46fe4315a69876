// The server's Vega-Lite figures and tables, drawn as report pages draw them.
import {Figure, Table} from './api';
import {el} from './dom';
import {embed, Embedded, saveButtons} from './embed';
import {isDark, onTheme} from './theme';

function titleOf(spec: Record<string, unknown>): unknown {
  const title = spec.title as {text?: unknown} | string | undefined;
  const text = typeof title === 'object' ? title?.text : title;
  return Array.isArray(text) ? text.join(' ') : text;  // lines of a long title
}

class Plot {
  readonly root: HTMLElement;
  private readonly host = el('div', {className: 'plot'});
  private embedded: Embedded|null = null;

  constructor(private readonly figure: Figure) {
    const heading = el('h3', {textContent: figure.heading});
    // The picture itself says it, too.
    if (titleOf(figure.spec) === figure.heading) heading.className = 'off-screen';
    this.root =
        el('section', {className: 'figure'}, heading, this.host,
           el('p', {className: 'caption', textContent: figure.caption}),
           saveButtons(figure));
    this.host.tabIndex = 0;  // so that the arrow keys scroll it
    this.host.role = 'group';
    this.host.ariaLabel = figure.heading;
  }

  async draw(): Promise<void> {
    const old = this.embedded;
    const fresh = el('div');
    this.embedded = await embed(fresh, this.figure.spec, isDark());
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

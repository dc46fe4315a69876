// Draws a Vega-Lite specification as report pages do, and saves it: for white paper, without the
// parts that only show what is selected.
import {theme, withoutHelpers} from '../../figures/web/theme.js';
import {Figure} from './api';
import {button, download, el} from './dom';

export interface Embedded {
  view: {toImageURL(type: string, scale?: number): Promise<string>};
  finalize(): void;
}
declare const vegaEmbed: (host: HTMLElement, spec: object, options: object) => Promise<Embedded>;

type Spec = Figure['spec'];

function withDark(spec: Spec, dark: boolean): Spec {
  const params = spec.params as {name: string; value?: unknown}[]|undefined;
  if (!params) return spec;
  return {
    ...spec,
    params: params.map(param => param.name === 'dark' ? {...param, value: dark} : param),
  };
}

export const embed = (host: HTMLElement, spec: Spec, dark: boolean): Promise<Embedded> =>
    vegaEmbed(host, withDark(spec, dark), {
      mode: 'vega-lite',
      renderer: 'svg',
      ast: true,  // expressions are interpreted, so the page can forbid eval
      defaultStyle: false,
      actions: false,
      tooltip: {theme: dark ? 'dark' : 'light'},
      config: theme(dark),
    });

async function savePicture(spec: Spec, name: string, type: 'svg'|'png'): Promise<void> {
  const embedded = await embed(el('div'), withoutHelpers(spec) as Spec, false);
  const href = await embedded.view.toImageURL(type, type === 'png' ? 3 : 1);
  embedded.finalize();
  el('a', {href, download: `${name}.${type}`}).click();
}

interface Numbers {
  columns: string[];
  rows: (string|number|null)[][];
}

// The numbers behind a figure as CSV (RFC 4180).
function csv({columns, rows}: Numbers): string {
  const cell = (value: string|number|null) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map(row => row.map(cell).join(',') + '\r\n').join('');
}

// The buttons that save a figure.
export function saveButtons({spec}: Figure): HTMLElement {
  const name = String(spec.name ?? 'figure');
  const table = (spec.usermeta as {table?: Numbers} | undefined)?.table;
  const saveText = (text: string, type: string, ending: string) =>
      download(new Blob([text], {type}), `${name}.${ending}`);
  const buttons = [
    button('Save SVG', () => void savePicture(spec, name, 'svg')),
    button('Save PNG', () => void savePicture(spec, name, 'png')),
    button(
        'Save Vega-Lite',
        () => saveText(JSON.stringify(spec, null, 1), 'application/json', 'vl.json')),
  ];
  if (table) buttons.push(button('Save CSV', () => saveText(csv(table), 'text/csv', 'csv')));
  return el('div', {className: 'figure-actions'}, ...buttons);
}

// What the page shows, as one object, and the same in the address after #. Others read `state`, and
// change it by `change`.
import {Session} from './api';

export interface PaneState {
  model: string;
  text: string;   // the prompt as typed; with {} it is a template
  begin: number;  // the subject in a text without {}: code points [begin, end)
  end: number;
  subject: string;     // the subject in place of {}
  other: string;       // the subject of the corrupted run
  corruption: string;  // 'subject' or 'noise'
  noise: string;
  answer: string;
  from: string;  // own sets of tokens for knockout, as 0,3-5
  to: string;
  target: string;
  editLayer: string;  // '': the default
  projection: string;
  method: string;
}

export interface PageState {
  tab: string;
  panes: PaneState[];  // one or two
  sites: string[];
  show: string;  // what heat maps show: p, ie or logit_diff
  siteWindow: string;
  at: string[];
  from: string[];
  to: string[];
  mode: string;
  window: string;
  mixers: string[];
  channels: string[];
  further: string[];  // further measures of knockout
  layer: string;
  head: string;
}

const kPane: PaneState = {
  model: '',
  text: '',
  begin: 0,
  end: 0,
  subject: '',
  other: '',
  corruption: 'subject',
  noise: '3',
  answer: '',
  from: '',
  to: '',
  target: '',
  editLayer: '',
  projection: '',
  method: 'rome',
};
const kPage: Omit<PageState, 'panes'> = {
  tab: 'sites',
  sites: ['resid', 'ssm_out', 'mixer_out', 'gate', 'mlp_out'],
  show: 'p',
  siteWindow: '',
  at: ['subject_last', 'prompt_last'],
  from: ['subject', 'relation', 'first', 'last'],
  to: ['last'],
  mode: 'cut',
  window: '',
  mixers: ['all'],
  channels: ['all'],
  further: [],
  layer: '',
  head: '',
};

export let session: Session;
export let state: PageState;
const listeners: (() => void)[] = [];

export const onChange = (listener: () => void): void => {
  listeners.push(listener);
};
const notify = () => listeners.forEach(listener => listener());

export const modelOf = (pane: PaneState) =>
    session.models.find(model => model.name === pane.model) ?? session.models[0]!;
export const models = () => [...new Set(state.panes.map(modelOf))];

// A record's values that are not the defaults, as parameters of the address.
function write<T extends object>(
    values: T, defaults: Partial<T>, end: string, to: URLSearchParams) {
  for (const [name, value] of Object.entries(defaults)) {
    const own = String(values[name as keyof T]);
    if (own !== String(value)) to.set(name + end, own);
  }
}

function read<T extends object>(defaults: T, end: string, from: URLSearchParams): T {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(defaults)) {
    const given = from.get(name + end);
    if (given === null) values[name] = value;
    else if (Array.isArray(value)) values[name] = given === '' ? [] : given.split(',');
    else if (typeof value === 'number') values[name] = Math.max(0, Math.trunc(Number(given)) || 0);
    else values[name] = given;
  }
  return values as T;
}

function toHash(page: PageState): string {
  const parameters = new URLSearchParams();
  write(page, kPage, '', parameters);
  page.panes.forEach((pane, i) => write(pane, kPane, i ? '.2' : '', parameters));
  if (page.panes.length > 1) parameters.set('compare', '1');
  return `#${parameters}`;
}

function fromHash(hash: string): PageState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const panes = [read(kPane, '', parameters)];
  if (parameters.has('compare')) panes.push(read(kPane, '.2', parameters));
  for (const pane of panes)
    if (!session.models.some(model => model.name === pane.model))
      pane.model = session.models[0]!.name;
  return {...read(kPage, '', parameters), panes};
}

// Sets the state from the address, now and whenever the reader goes back or forward.
export function begin(given: Session): void {
  session = given;
  state = fromHash(location.hash);
  window.addEventListener('popstate', () => {
    state = fromHash(location.hash);
    notify();
  });
}

// Changes the state, and tells everyone. `push` makes a step that the Back button undoes.
export function change(patch: Partial<PageState>, push = false): void {
  Object.assign(state, patch);
  // The document's own query keeps the token.
  history[push ? 'pushState' : 'replaceState'](null, '', toHash(state));
  notify();
}

export function changePane(index: number, patch: Partial<PaneState>, push = false): void {
  change({panes: state.panes.map((pane, i) => (i === index ? {...pane, ...patch} : pane))}, push);
}

// Holds what the page shows, as one object, and stores it in the address after #. Other files read
// `state`, and change it by `change`.
import {Session} from './api';

export interface PaneState {
  model: string;
  text: string;   // the prompt as typed; with {} it is a template
  begin: number;  // the subject in a text without {}: code points [begin, end)
  end: number;
  subject: string;     // as typed: the subject in place of {}, or to mark in the text
  other: string;       // the subject of the corrupted run
  corruption: string;  // 'subject' or 'noise'
  noise: string;
  answer: string;
  from: string;  // chosen tokens of a knockout, as 0,3-5
  to: string;
  cell: string;  // the chosen cell of a heat map, as site:layer:token
  target: string;
  editLayer: string;  // '': the default
  projection: string;
  method: string;
  steps: string;  // of the edit; '': the default
  kl: string;
  clamp: string;
  checks: string;  // prompts, one per line
  tried: string;   // the prompt tried on the edited model; '': that of the edit
}

interface PageState {
  tab: string;
  panes: PaneState[];  // one or two
  same: string;        // '1': the second pane follows the prompt of the first
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
  cell: '',
  target: '',
  editLayer: '',
  projection: '',
  method: 'rome',
  steps: '',
  kl: '',
  clamp: '',
  checks: '',
  tried: '',
};
// What the second pane takes from the first.
const kFollowed =
    ['text', 'begin', 'end', 'subject', 'other', 'corruption', 'noise', 'answer'] as const;
const kPage: Omit<PageState, 'panes'> = {
  tab: 'sites',
  same: '',
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
// The prompt that the model is asked.
export const promptOf = (pane: PaneState): string =>
    pane.text.includes('{}') ? pane.text.replace('{}', () => pane.subject) : pane.text;
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

// The prompts that the server refused, each with its model, by pane.
const refusals: string[] = [];
const asked = (pane: PaneState): string => JSON.stringify([pane.model, promptOf(pane)]);
export const isRefused = (pane: PaneState): boolean => refusals.includes(asked(pane));
export function setRefused(index: number, pane: PaneState|null): void {
  refusals[index] = pane ? asked(pane) : '';
  if (pane) storeSoon();
}

export const follows = (index: number): boolean => index > 0 && state.same !== '';

function follow(page: PageState): void {
  const [first, second] = page.panes;
  if (!first || !second || !page.same) return;
  const followed = Object.fromEntries(kFollowed.map(name => [name, first[name]]));
  page.panes = [first, changed(second, followed)];
}

const kText = ['text', 'begin', 'end', 'subject'] as const;
const kLongest = 2000;  // characters of a refused prompt that the address holds

function toHash(page: PageState): string {
  const parameters = new URLSearchParams();
  // Only sites that a model has, in the models' order.
  const known = [...new Set(page.panes.flatMap(pane => modelOf(pane).traced_sites))];
  const had = (sites: string[]) => known.filter(site => sites.includes(site));
  write({...page, sites: had(page.sites)}, {...kPage, sites: had(kPage.sites)}, '', parameters);
  page.panes.forEach((pane, i) => {
    const defaults: Partial<PaneState> = {...kPane};
    const isTooLong = isRefused(pane) && promptOf(pane).length > kLongest;
    const omitted = i && page.same ? kFollowed : isTooLong ? kText : [];
    omitted.forEach(name => delete defaults[name]);
    write(pane, defaults, i ? '.2' : '', parameters);
  });
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
  const page = {...read(kPage, '', parameters), panes};
  follow(page);
  return page;
}

const kStoreDelay = 300;  // ms; browsers limit how often a page changes its address
let timer = 0;

// Stores the state in the address. The document's own query keeps the access token.
function store(push = false): void {
  clearTimeout(timer);
  timer = 0;
  try {
    history[push ? 'pushState' : 'replaceState'](null, '', toHash(state));
  } catch (error) {
    console.info('The browser refused to store the settings in the address.', error);
  }
}
const storeNow = () => {
  if (timer) store();
};
function storeSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => store(), kStoreDelay);
}

// Sets the state from the address, now and whenever the reader goes back or forward.
export function begin(given: Session): void {
  session = given;
  state = fromHash(location.hash);
  window.addEventListener('popstate', () => {
    clearTimeout(timer);
    timer = 0;
    state = fromHash(location.hash);
    notify();
  });
  window.addEventListener('pagehide', storeNow);
  document.addEventListener('visibilitychange', storeNow);
}

// Changes the state, and tells everyone. `push` makes a step that the Back button undoes.
export function change(patch: Partial<PageState>, push = false): void {
  if (push) storeNow();  // the step to which Back returns
  Object.assign(state, patch);
  follow(state);
  notify();
  if (push) store(true);
  else storeSoon();
}

// Another prompt forgets the tokens that were chosen by their numbers, and the prompt that was
// tried. Another fact forgets the chosen cell.
function changed(old: PaneState, patch: Partial<PaneState>): PaneState {
  const pane = {...old, ...patch};
  if (promptOf(old) !== promptOf(pane)) Object.assign(pane, {from: '', to: '', tried: ''});
  if (old.model !== pane.model || kFollowed.some(name => old[name] !== pane[name])) pane.cell = '';
  return pane;
}

export function changePane(index: number, patch: Partial<PaneState>, push = false): void {
  const panes = state.panes.map((pane, i) => i === index ? changed(pane, patch) : pane);
  change({panes}, push);
}

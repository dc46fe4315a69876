// Builds the page of `mambascope serve`: its header, the panes with prompts, and the tabs. A tab
// has a view of each pane.
import {ApiError, getSession, withToken} from './api';
import {Control} from './controls';
import {button, el} from './dom';
import {fromExample} from './fact';
import {View} from './figure_view';
import {Pane} from './pane';
import {errorBox} from './progress';
import {copyTokens, onTokens} from './prompt_tokens';
import {begin, change, onChange, PaneState, promptOf, session, state} from './state';
import {Tab} from './tab';
import {attentionTab} from './tab_attention';
import {editTab} from './tab_edit';
import {knockoutTab} from './tab_knockout';
import {pathsTab} from './tab_paths';
import {sitesTab} from './tab_sites';
import {startTheme, toggleTheme} from './theme';

const kTabs: Tab[] = [sitesTab, pathsTab, knockoutTab, attentionTab, editTab];

// A tab's panel: its controls once, and a view of each pane.
class Panel {
  readonly root: HTMLElement;
  readonly button: HTMLButtonElement;
  private readonly toolbar: Control;
  private readonly columns = el('div', {className: 'columns'});
  private readonly views: View[] = [];
  private readonly captions: HTMLElement[] = [];

  constructor(private readonly tab: Tab, choose: () => void) {
    this.toolbar = tab.toolbar();
    this.button =
        el('button', {type: 'button', role: 'tab', id: `tab-${tab.id}`, textContent: tab.title});
    this.button.setAttribute('aria-controls', `panel-${tab.id}`);
    this.button.addEventListener('click', choose);
    this.root =
        el('div', {className: 'panel', role: 'tabpanel', id: `panel-${tab.id}`},
           el('p', {className: 'about', textContent: tab.about}), this.toolbar.root, this.columns);
    this.root.setAttribute('aria-labelledby', `tab-${tab.id}`);
  }

  update(): void {
    const isShown = state.tab === this.tab.id;
    this.button.ariaSelected = String(isShown);
    this.button.tabIndex = isShown ? 0 : -1;
    if (!isShown) {
      if (!this.root.hidden) this.views.forEach(view => view.hide());
      this.root.hidden = true;
      return;
    }
    this.root.hidden = false;
    this.toolbar.update();
    // A second pane's view is kept for the next time.
    this.views.slice(state.panes.length).forEach(view => {
      const column = view.root.parentElement!;
      if (!column.hidden) view.hide();
      column.hidden = true;
    });
    state.panes.forEach((pane, i) => {
      const view = this.views[i] ??= this.add(i);
      const caption = this.captions[i]!;
      view.root.parentElement!.hidden = false;
      caption.hidden = state.panes.length < 2;
      caption.textContent = `${i ? 'Second' : 'First'} pane: ${pane.model}`;
      view.update(pane);
    });
  }

  private add(index: number): View {
    const view = this.tab.view(index), caption = el('h2', {className: 'column-title'});
    this.captions[index] = caption;
    this.columns.append(el('div', {className: 'column'}, caption, view.root));
    return view;
  }
}

function tabList(panels: Panel[]): HTMLElement {
  const list =
      el('div', {className: 'tabs', role: 'tablist', ariaLabel: 'Methods'},
         ...panels.map(panel => panel.button));
  list.addEventListener('keydown', event => {
    const at = panels.findIndex(panel => panel.button === document.activeElement);
    const count = panels.length;
    const next = {
      ArrowRight: (at + 1) % count,
      ArrowLeft: (at + count - 1) % count,
      Home: 0,
      End: count - 1
    }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    change({tab: kTabs[next]!.id}, true);
    panels[next]!.button.focus();
  });
  return list;
}

// A second pane: another model if there is one. It follows the first one's prompt.
function secondPane(): PaneState {
  copyTokens(0, 1);
  const first = state.panes[0]!;
  const other = session.models.find(model => model.name !== first.model);
  return {...first, model: other?.name ?? first.model, editLayer: '', projection: '', cell: ''};
}

function header(compare: HTMLButtonElement|null): HTMLElement {
  const links = el('nav', {className: 'links', ariaLabel: 'Page'});
  if (compare && session.results)
    links.append(el('a', {href: withToken('/report'), textContent: 'Report'}));
  if (compare) links.append(compare);
  links.append(button('Light / dark', toggleTheme));
  return el('header', {}, el('h1', {textContent: 'mambascope'}), links);
}

function build(): void {
  const compare = button(
      'Compare',
      () => change(
          state.panes.length > 1 ? {panes: [state.panes[0]!], same: ''} :
                                   {panes: [state.panes[0]!, secondPane()], same: '1'},
          true));
  const panes: Pane[] = [], paneColumns = el('div', {className: 'columns'});
  const panels = kTabs.map(tab => new Panel(tab, () => change({tab: tab.id}, true)));
  const update = () => {
    if (!kTabs.some(tab => tab.id === state.tab)) state.tab = kTabs[0]!.id;
    compare.ariaPressed = String(state.panes.length > 1);
    document.body.classList.toggle('comparing', state.panes.length > 1);
    document.title = `mambascope: ${promptOf(state.panes[0]!)}`;
    panes.slice(state.panes.length).forEach(pane => pane.hide());
    state.panes.forEach((_pane, i) => {
      if (!panes[i]) paneColumns.append((panes[i] = new Pane(i)).root);
      panes[i]!.update();
    });
    panels.forEach(panel => panel.update());
  };
  onChange(update);
  onTokens(() => panels.forEach(panel => panel.update()));
  document.body.replaceChildren(
      header(compare),
      el('main', {}, paneColumns, tabList(panels), ...panels.map(panel => panel.root)));
  update();
}

async function start(): Promise<void> {
  const root = document.documentElement;
  root.dataset.state = 'loading';
  try {
    const given = await getSession();
    begin(given);
    if (!state.panes[0]!.text && given.examples.length)
      change({panes: [{...state.panes[0]!, ...fromExample(0)}, ...state.panes.slice(1)]});
    build();
    root.dataset.state = 'ready';
  } catch (error) {
    root.dataset.state = 'failed';
    if (!(error instanceof ApiError)) console.error(error);
    document.body.replaceChildren(
        header(null), el('main', {}, errorBox(error, () => void start())));
  }
}

startTheme();
void start();

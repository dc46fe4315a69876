// Says what a view is doing: it shows progress with a Stop button, warnings and errors.
import {ApiError, RunEvents} from './api';
import {button, el, setText} from './dom';
import {plural, withFields} from './text';

export type ViewState = 'idle'|'waiting'|'computing'|'drawn'|'failed';

const kPatience = 300;  // ms; what takes less shows no progress

export class Progress {
  readonly root = el('div', {className: 'progress'});
  private readonly status = el('p', {className: 'status', role: 'status'});
  private readonly bar = el('progress', {max: 1, ariaLabel: 'Progress', hidden: true});
  private readonly stopButton: HTMLButtonElement;
  private readonly notes = el('div');
  private text = '';
  private share: number|null = null;
  private timer = 0;
  private shownBusy = false;

  // Sets data-state of `view`.
  constructor(
      private readonly view: HTMLElement, onStop: () => void,
      private readonly onRetry: () => void) {
    this.stopButton = button('Stop', onStop, 'stop');
    this.stopButton.hidden = true;
    this.root.append(
        el('div', {className: 'progress-line'}, this.status, this.bar, this.stopButton),
        this.notes);
    view.dataset.state = 'idle';
  }

  isStopped = false;
  get isBusy(): boolean {
    return ['waiting', 'computing'].includes(this.view.dataset.state!);
  }

  private set(state: ViewState, text: string, share: number|null = null): void {
    this.view.dataset.state = state;
    const busy = state === 'waiting' || state === 'computing';
    this.view.ariaBusy = String(busy);
    this.isStopped = false;
    this.text = text;
    this.share = share;
    if (state !== 'failed') this.notes.replaceChildren();
    if (busy && this.shownBusy) this.showBusy();
    else if (busy) this.timer ||= setTimeout(() => this.showBusy(), kPatience);
    else {
      clearTimeout(this.timer);
      this.timer = 0;
      this.shownBusy = false;
      this.bar.hidden = this.stopButton.hidden = true;
      setText(this.status, text);
    }
  }

  private showBusy(): void {
    this.shownBusy = true;
    this.bar.hidden = this.stopButton.hidden = false;
    setText(this.status, this.text);
    if (this.share === null) this.bar.removeAttribute('value');
    else this.bar.value = this.share;
  }

  // Hears of a run while it is the view's newest one.
  events(isNewest: () => boolean): Pick<RunEvents, 'waiting'|'progress'> {
    return {
      waiting: ahead => {
        if (isNewest()) this.waiting(ahead);
      },
      progress: (text, share) => {
        if (isNewest()) this.computing(text, share);
      },
    };
  }

  idle(text: string): void {
    this.set('idle', text);
  }
  waiting(ahead: number): void {
    this.set('waiting', ahead ? `Waiting for ${plural(ahead, 'earlier request')}.` : 'Waiting.');
  }
  computing(text = 'Computing.', share: number|null = null): void {
    this.set('computing', withFields(text), share);
  }
  drawn(warnings: string[], text = ''): void {
    this.set('drawn', text);
    const unique = [...new Set(warnings)];
    this.notes.replaceChildren(...unique.map(
        warning => el('p', {className: 'warning', textContent: withFields(warning)})));
  }
  // It was stopped. The view has its own button to go on.
  ended(text: string): void {
    this.set('idle', text);
    this.isStopped = true;
  }
  stopped(): void {
    this.ended('This computation was stopped.');
    this.notes.replaceChildren(button('Compute again', this.onRetry));
  }
  failed(error: unknown): void {
    this.set('failed', '');
    this.notes.replaceChildren(errorBox(error, this.onRetry));
  }
}

// An error in place, with Retry if the server is gone.
export function errorBox(error: unknown, onRetry: () => void): HTMLElement {
  const box = el(
      'div', {className: 'error', role: 'alert'},
      el('p', {textContent: withFields(error instanceof Error ? error.message : String(error))}));
  if (error instanceof ApiError && (error.isLost || error.status >= 500))
    box.append(button('Retry', onRetry));
  if (!(error instanceof ApiError)) console.error(error);
  return box;
}

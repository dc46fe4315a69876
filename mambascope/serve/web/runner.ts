// Sends the requests of one view. A new request cancels the view's earlier one. Results are kept,
// so that a command is not computed again.
import {ApiError, Ended, Result, run, RunEvents} from './api';

export interface RunResult {
  result: Result;
  warnings: string[];
}

const kKept = 80;  // results in memory
const kept = new Map<string, RunResult>();
const tab =
    Array.from(crypto.getRandomValues(new Uint32Array(2)), part => part.toString(36)).join('');

// What edits the model, or depends on an edit, is not kept.
const isKept = (words: string[]) =>
    words[0] !== 'edit' && !words.some(w => w.startsWith('--edit='));

export class Runner {
  private controller: AbortController|null = null;
  private readonly client: string;

  constructor(name: string) {
    this.client = `${tab}-${name}`;
  }

  // Throws ApiError, or Ended if the request was stopped or a newer one was sent.
  async run(words: string[], on: Omit<RunEvents, 'warning'>): Promise<RunResult> {
    this.stop();
    const key = JSON.stringify(words), known = kept.get(key);
    if (known) return known;
    const controller = this.controller = new AbortController();
    const warnings: string[] = [];
    const once = () =>
        run(this.client, words, controller.signal, {...on, warning: text => warnings.push(text)});
    try {
      const result = await once().catch(async error => {
        if (controller.signal.aborted) throw new Ended();
        const isBusy = error instanceof ApiError && error.status === 503;
        // An earlier request that reached the server late may have cancelled this one.
        if (!isBusy && !(error instanceof Ended)) throw error;
        if (isBusy) {
          on.progress('The server is busy. This page tries again in 2 seconds.', null);
          await new Promise(resolve => setTimeout(resolve, 2000));
        }
        if (controller.signal.aborted) throw new Ended();
        warnings.length = 0;
        return once();
      });
      if (controller.signal.aborted) throw new Ended();
      const whole = {result, warnings};
      if (isKept(words)) kept.set(key, whole);
      if (kept.size > kKept) kept.delete(kept.keys().next().value!);
      return whole;
    } finally {
      if (this.controller === controller) this.controller = null;
    }
  }

  stop(): void {
    this.controller?.abort();
    this.controller = null;
  }
}

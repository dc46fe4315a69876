// Runs the commands of one view: a new run ends the earlier one, and a known answer is not computed
// again.
import {ApiError, Ended, Result, run, RunEvents} from './api';

export interface Answer {
  result: Result;
  warnings: string[];
}

const kKept = 80;  // answers in memory
const kept = new Map<string, Answer>();
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

  // Throws ApiError, or Ended if the run was stopped or a newer one began.
  async run(words: string[], on: Omit<RunEvents, 'warning'>): Promise<Answer> {
    this.stop();
    const key = JSON.stringify(words), known = kept.get(key);
    if (known) return known;
    const controller = this.controller = new AbortController();
    const warnings: string[] = [];
    const once = () =>
        run(this.client, words, controller.signal, {...on, warning: text => warnings.push(text)});
    try {
      const result = await once().catch(async error => {
        if (!(error instanceof ApiError && error.status === 503)) throw error;
        on.progress(`${error.message} This page tries again in 2 seconds.`, null);
        await new Promise(resolve => setTimeout(resolve, 2000));
        if (controller.signal.aborted) throw new Ended();
        return once();
      });
      if (controller.signal.aborted) throw new Ended();
      const answer = {result, warnings};
      if (isKept(words)) kept.set(key, answer);
      if (kept.size > kKept) kept.delete(kept.keys().next().value!);
      return answer;
    } finally {
      if (this.controller === controller) this.controller = null;
    }
  }

  stop(): void {
    this.controller?.abort();
    this.controller = null;
  }
}

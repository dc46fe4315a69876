// Talks to the server: declares the types of its API, reads the session, and sends requests. The
// server answers a request with a stream of events.

export interface Projection {
  name: string;
  layers: number[];
}
export interface Model {
  name: string;
  layers: number;
  traced_sites: string[];
  ramps: Record<string, {on_white: string[]; on_black: string[]}>;  // of traced sites
  mixers: {mamba: number[]; attention: number[]};
  projections: Projection[];
  edit: {layer: number; projection: string};
  attention_layer: number;
}
export interface Example {
  relation: string;
  pattern: string;
  subject: string;
  object: string;
  tokens: number;  // of the subject
}
export interface Session {
  models: Model[];
  examples: Example[];
  results: boolean;
}

export interface Token {
  id: number;
  text: string|null;  // null: an id that no token has
  begin: number;
  end: number;
}
export interface Next {
  id: number;
  text: string|null;
  prob: number;
  logit?: number;
}
export interface Prediction {
  tokens: Token[];
  top: Next[];
  corrupted?: {tokens: Token[]; top: Next[]};
  patched?: {top: Next[]};
}
export interface Figure {
  heading: string;
  caption: string;
  spec: Record<string, unknown>;
}
export interface Table {
  heading: string;
  caption: string;
  columns: string[];
  rows: {cells: string[]; is_marked: boolean}[];
}
export interface Result {
  command: string;
  json: unknown;
  figures: Figure[];
  tables: Table[];
  summary: [string, string][];
  edit?: string;
}
export interface RunEvents {
  waiting(ahead: number): void;
  progress(text: string, share: number|null): void;
  warning(text: string): void;
  partial?(json: unknown): void;  // what is known before the result
}

// Holds what the server says is wrong. Its status is 0 if the server does not answer.
export class ApiError extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
  get isLost(): boolean {
    return this.status === 0;
  }
}
// The request was cancelled: by a newer one, by Stop, or by the server.
export class Ended extends Error {}

const kToken = new URLSearchParams(location.search).get('token') ?? '';
const lost = () => new ApiError('The server does not answer. It may have been stopped.', 0);

// An address of this server with the access token, for links.
export const withToken = (path: string): string =>
    kToken ? `${path}?token=${encodeURIComponent(kToken)}` : path;

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (kToken) headers.set('X-Mambascope-Token', kToken);
  let response: Response;
  try {
    response = await fetch(path, {...options, headers});
  } catch (error) {
    throw options.signal?.aborted ? new Ended() : lost();
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({})) as {message?: string};
  throw new ApiError(
      said.message ?? `The server answered with status ${response.status}.`, response.status);
}

export const getSession = async(): Promise<Session> =>
    (await request('/api/session')).json() as Promise<Session>;

// The events of a text/event-stream.
async function*
    events(body: ReadableStream<Uint8Array>): AsyncGenerator<{name: string; data: string}> {
  const reader =
      body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '', name = '', data: string[] = [];
  try {
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      for (const raw of lines) {
        const line = raw.replace(/\r$/, '');
        if (line.startsWith('event:')) name = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
        else if (line === '' && name) {
          yield {name, data: data.join('\n')};
          name = '';
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Asks the server to run a command. Throws ApiError, or Ended if the request was cancelled.
export async function run(
    client: string, words: string[], signal: AbortSignal, on: RunEvents): Promise<Result> {
  const response = await request('/api/run', {
    method: 'POST',
    signal,
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({client, words}),
  });
  try {
    for await (const event of events(response.body!)) {
      const data = JSON.parse(event.data);
      if (event.name === 'waiting') on.waiting(data.ahead);
      else if (event.name === 'progress') on.progress(data.text, data.share ?? null);
      else if (event.name === 'warning') on.warning(data.text);
      else if (event.name === 'partial') on.partial?.(data.json);
      else if (event.name === 'result') return data as Result;
      else if (event.name === 'error') throw new ApiError(data.message, 400);
      else if (event.name === 'cancelled') throw new Ended();
    }
  } catch (error) {
    if (error instanceof ApiError || error instanceof Ended) throw error;
    throw signal.aborted ? new Ended() : lost();
  }
  throw signal.aborted ? new Ended() : lost();
}

/**
 * A headless Chromium for tests, driven over its debugging pipe: no network port, no package.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

export interface Visit {
  /** Whatever the console said, errors of the policy among it. */
  readonly console: readonly string[];
  /** Every address that was asked for, the page's own too. */
  readonly requests: readonly string[];
  /** What the expression came to, as JSON. */
  readonly value: unknown;
}

/** CHROMIUM_PATH, or the first Chromium of the PATH; null where there is none. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM_PATH;
  const names = named ? [named] : ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  for (const name of names) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore', timeout: 20_000 });
      return name;
    } catch {
      // Not this one.
    }
  }
  return null;
}

export class Browser {
  private readonly profile = mkdtempSync(join(tmpdir(), 'lodestone-chromium-'));
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (message: Message) => void>();
  private readonly listeners = new Set<(message: Message) => void>();
  /** Settles whatever waits when the browser is gone. */
  private readonly exited: Promise<never>;
  private lastId = 0;
  private unread = '';

  constructor(program: string) {
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-extensions',
    ];
    this.child = spawn(program, [...flags, '--remote-debugging-pipe', `--user-data-dir=${this.profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((_, reject) => {
      this.child.once('exit', (code, signal) =>
        reject(new Error(`chromium is gone: ${signal ?? `exit code ${code}`}`)),
      );
    });
    this.exited.catch(() => undefined);
    (this.child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => this.receive(chunk));
  }

  /** Opens a page in a view of its own, waits until it is loaded and evaluates an expression there. */
  async visit(url: string, { width, height, scheme }: View, expression: string): Promise<Visit> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const send = (method: string, params = {}) => this.send(method, params, String(sessionId));
    const said: string[] = [];
    const requests: string[] = [];
    const loaded = new Promise<void>((resolve) => {
      this.listeners.add(({ method, params }) => {
        if (method === 'Page.loadEventFired') resolve();
        if (
          method === 'Log.entryAdded' ||
          method === 'Runtime.consoleAPICalled' ||
          method === 'Runtime.exceptionThrown'
        )
          said.push(JSON.stringify(params));
        if (method === 'Network.requestWillBeSent') requests.push((params?.request as { url: string }).url);
      });
    });
    for (const domain of ['Page', 'Log', 'Runtime', 'Network']) await send(`${domain}.enable`);
    await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await send('Page.navigate', { url });
    await Promise.race([loaded, this.exited]);
    const { result } = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    await this.send('Target.closeTarget', { targetId });
    this.listeners.clear();
    return { console: said, requests, value: (result as { value?: unknown }).value };
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
    // Its helper processes end a moment later and still write.
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }

  private send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = (this.lastId += 1);
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result ?? {}),
      );
      (this.child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
    return Promise.race([answer, this.exited]);
  }

  private receive(chunk: string): void {
    const messages = (this.unread + chunk).split('\0');
    this.unread = messages.pop() ?? '';
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      if (message.id === undefined) this.listeners.forEach((listen) => listen(message));
      else this.waiting.get(message.id)?.(message);
    }
  }
}

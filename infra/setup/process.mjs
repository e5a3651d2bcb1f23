/**
 * Child processes of set-up: run one, capture or pass on what it says, and leave none behind.
 * Knows process groups and signals. Does not know what is run.
 *
 * Invariants:
 *   1  Every child leads its own process group, so the terminal's Ctrl-C reaches it once, through us.
 *   2  When we end, for whatever reason we can observe, the groups that still run end too.
 *   3  Signals are ours only while a child runs: whoever imports this keeps their own handling otherwise.
 */
import { spawn } from 'node:child_process';

const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const numbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
const graceMs = 2000; // between SIGTERM and SIGKILL of a tool

const running = new Map(); // ChildProcess → 'tool' | 'foreground'
const heard = []; // signals so far: { name, at }

/** A command that ended badly; the message holds the command line and the last lines of its output. */
export class CommandFailed extends Error {
  constructor(command, args, how, output = '') {
    const said = output.trimEnd().split('\n').slice(-25).join('\n').replace(/^/gm, '    ');
    super(`${[command, ...args].join(' ')}: ${how}${output.trim() === '' ? '' : `\n${said}`}`);
    this.name = 'CommandFailed';
  }
}

/** The exit code that an interruption asks for (128 + signal), or undefined while there was none. */
export function interruption() {
  return heard.length === 0 ? undefined : 128 + numbers[heard[0].name];
}

/**
 * Runs a tool quietly and returns its stdout; throws CommandFailed when it exits with anything but 0.
 * @param options.onLine    called with each line of its output, for progress
 * @param options.timeoutMs kills it after that
 */
export async function run(command, args, { cwd, env, onLine = () => {}, timeoutMs } = {}) {
  if (interruption() !== undefined) throw new CommandFailed(command, args, 'not started, set-up was interrupted');

  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  track(child, 'tool');
  const timer = timeoutMs && setTimeout(() => killGroup(child, 'SIGKILL'), timeoutMs);
  const output = { stdout: '', all: '' };
  const hear = (chunk) => {
    output.all = (output.all + chunk).slice(-100_000);
    for (const line of chunk.split(/[\r\n]+/)) if (line.trim() !== '') onLine(line.trim());
  };
  child.stdout
    .setEncoding('utf8')
    .on('data', (chunk) => (output.stdout += chunk))
    .on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);

  const ended = await end(child).catch((error) => ({ how: error.message }));
  clearTimeout(timer);
  untrack(child);
  if (ended.code !== 0) throw new CommandFailed(command, args, ended.how, output.all);
  return output.stdout;
}

/**
 * Hands the terminal to a program that deals with signals itself (the CLI checkpoints, Jest tears down) and returns
 * its exit code. Signals are passed on; the third one kills the group.
 */
export async function runForeground(command, args, { cwd, env } = {}) {
  if (interruption() !== undefined) return interruption();

  const child = spawn(command, args, { cwd, env, stdio: 'inherit', detached: true });
  track(child, 'foreground');
  const { code, signal } = await end(child);
  killGroup(child, 'SIGKILL'); // whatever it left in its group
  untrack(child);
  return code ?? 128 + (numbers[signal] ?? 1);
}

function end(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code, signal, how: signal ? `ended by ${signal}` : `exit code ${code}` }),
    );
  });
}

function track(child, kind) {
  if (running.size === 0) {
    for (const name of watched) process.on(name, onSignal);
    process.on('exit', killAll);
  }
  running.set(child, kind);
}

function untrack(child) {
  running.delete(child);
  if (running.size > 0) return;
  for (const name of watched) process.off(name, onSignal);
  process.off('exit', killAll);
}

function onSignal(name) {
  // npm passes a Ctrl-C on to us although the terminal has sent it already: the same one, counted once.
  const now = Date.now();
  if (heard.some((signal) => signal.name === name && now - signal.at < 500)) return;
  heard.push({ name, at: now });

  for (const [child, kind] of running) {
    if (kind === 'foreground') {
      if (heard.length < 3) child.kill(name);
      else killGroup(child, 'SIGKILL');
    } else {
      killGroup(child, 'SIGTERM');
      setTimeout(() => running.has(child) && killGroup(child, 'SIGKILL'), graceMs).unref();
    }
  }
}

function killAll() {
  for (const child of running.keys()) killGroup(child, 'SIGKILL');
}

function killGroup(child, signal) {
  if (child.pid === undefined) return; // it never started
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // gone already, which is what was wanted
  }
}

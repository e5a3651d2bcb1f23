/**
 * Child processes of set-up: run one, capture or pass on what it says, and leave none behind.
 * Knows process groups and signals. Does not know what is run.
 *
 * Invariants:
 *   1  Every child leads its own process group, so the terminal's Ctrl-C reaches it once, through us.
 *   2  When we end, for whatever reason we can observe, the groups that still run end too.
 */
import { spawn } from 'node:child_process';

const running = new Map(); // ChildProcess → { foreground }
let lastSignal = { name: '', at: 0 };
let interruptions = 0;

/** A command that ended badly; the message holds the command line and the last lines of its output. */
export class CommandFailed extends Error {
  constructor(command, args, how, output) {
    super(`${[command, ...args].join(' ')}: ${how}${output ? `\n${indent(lastLines(output, 25))}` : ''}`);
    this.name = 'CommandFailed';
    this.output = output;
  }
}

/**
 * Runs a tool quietly and returns its stdout; throws CommandFailed when it exits with anything but 0.
 * @param options.onLine called with each line of its output, for progress; @param options.timeoutMs ends it after that
 */
export async function run(command, args, { cwd, env, onLine, timeoutMs } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.set(child, { foreground: false });
  const timer = timeoutMs && setTimeout(() => killGroup(child, 'SIGKILL'), timeoutMs);
  let stdout = '';
  let all = '';
  const hear = (chunk, isStdout) => {
    if (isStdout) stdout += chunk;
    all = (all + chunk).slice(-100_000);
    for (const line of chunk.split(/[\r\n]+/)) if (onLine && line.trim() !== '') onLine(line.trim());
  };
  child.stdout.setEncoding('utf8').on('data', (chunk) => hear(chunk, true));
  child.stderr.setEncoding('utf8').on('data', (chunk) => hear(chunk, false));
  try {
    const { code, signal } = await ended(child);
    if (code !== 0) throw new CommandFailed(command, args, signal ? `ended by ${signal}` : `exit code ${code}`, all);
    return stdout;
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw new CommandFailed(command, args, error.message, all);
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

/**
 * Hands the terminal to a program that deals with signals itself (the CLI checkpoints, Jest tears down) and returns
 * its exit code. Signals are passed on; the third one kills the group.
 */
export async function runForeground(command, args, { cwd, env } = {}) {
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: 'inherit', detached: true });
  running.set(child, { foreground: true });
  try {
    const { code, signal } = await ended(child);
    return code ?? 128 + signalNumber(signal);
  } finally {
    killGroup(child, 'SIGKILL'); // whatever it left in its group
    running.delete(child);
  }
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function killGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group is gone already, which is what was wanted
  }
}

function onSignal(name) {
  // npm passes a Ctrl-C on to us although the terminal has sent it already: the same one, counted once.
  const now = Date.now();
  if (lastSignal.name === name && now - lastSignal.at < 500) return;
  lastSignal = { name, at: now };
  interruptions += 1;

  const foreground = [...running].filter(([, { foreground }]) => foreground).map(([child]) => child);
  for (const child of foreground) {
    if (interruptions < 3) child.kill(name);
    else killGroup(child, 'SIGKILL');
  }
  if (foreground.length > 0) return; // its exit code becomes ours

  for (const child of running.keys()) killGroup(child, 'SIGTERM');
  setTimeout(() => process.exit(128 + signalNumber(name)), running.size > 0 ? 300 : 0);
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => onSignal(name));
process.on('exit', () => {
  for (const child of running.keys()) killGroup(child, 'SIGKILL');
});

function signalNumber(name) {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[name] ?? 1;
}

function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}

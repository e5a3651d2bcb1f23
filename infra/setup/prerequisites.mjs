/**
 * What the machine itself has to bring: Node, Python with pip, a C++ compiler, Go. Each check names the thing, what was
 * found, the rule and the way out. Checks only what the step that asks is about to use; installs nothing.
 */
import { run } from './process.mjs';

/** Something the machine lacks; set-up ends with exit code 12 and its message. */
export class MissingPrerequisite extends Error {
  constructor(message) {
    super(message);
    this.name = 'MissingPrerequisite';
  }
}

export const leastNode = [20, 19];
export const leastGo = [1, 25];

export function requireNode(version = process.versions.node) {
  if (!atLeast(version, leastNode)) {
    throw new MissingPrerequisite(
      `Node.js: found ${version}, must be >= ${leastNode.join('.')}. Install a current LTS from https://nodejs.org or your package manager, then run the command again.`,
    );
  }
}

export function requirePlatform(platform = process.platform, arch = process.arch, glibc = glibcVersion()) {
  if (platform !== 'linux' || arch !== 'x64') {
    throw new MissingPrerequisite(
      `platform: found ${platform}-${arch}, must be linux-x64: the TensorFlow libraries are pinned and tested for it alone. Use a Linux x64 machine, virtual machine or container (on Windows: WSL 2).`,
    );
  }
  if (glibc === null || !atLeast(glibc, [2, 27])) {
    throw new MissingPrerequisite(
      `C library: found ${glibc === null ? 'no glibc (musl, as on Alpine?)' : `glibc ${glibc}`}, must be glibc >= 2.27: TensorFlow's and Temporal's libraries are built for it. Use Debian, Ubuntu, Fedora or the like.`,
    );
  }
}

/** @returns how pip is called: `command ...args download …`; `command` is Python */
export async function requirePip() {
  const command = 'python3';
  const version = await run(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).catch(
    () => undefined,
  );
  if (version === undefined) {
    throw new MissingPrerequisite(
      'Python 3: no python3 on PATH, must be there with pip: the TensorFlow libraries come as a Python wheel. Install it (Debian, Ubuntu: apt install python3 python3-pip), then run the command again.',
    );
  }
  const args = ['-m', 'pip'];
  await run(command, [...args, '--version']).catch(() => {
    throw new MissingPrerequisite(
      `pip: python3 (${version.trim()}) has no module pip, must have one: it downloads the TensorFlow wheel. Install it (Debian, Ubuntu: apt install python3-pip; elsewhere: python3 -m ensurepip), then run the command again.`,
    );
  });
  return { command, args };
}

/** @returns the C++ compiler: CXX, else g++, clang++ or c++ */
export async function requireCompiler(environment = process.env) {
  const candidates = environment.CXX ? [environment.CXX] : ['g++', 'clang++', 'c++'];
  for (const candidate of candidates) {
    const found = await run(candidate, ['--version']).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new MissingPrerequisite(
    `C++ compiler: ${candidates.join(', ')} ${environment.CXX ? '(from CXX) does not run' : 'not on PATH'}, one is needed to compile the TensorFlow binding. Install one (Debian, Ubuntu: apt install g++) or set CXX, then run the command again.`,
  );
}

/** @param wanted what is about to be built; @param instead what spares the build */
export async function requireGo(wanted, instead) {
  const output = await run('go', ['version'], { env: { GOTOOLCHAIN: 'local' } }).catch(() => undefined);
  const version = output?.match(/go(\d+\.\d+(?:\.\d+)?)/)?.[1];
  if (version === undefined || !atLeast(version, leastGo)) {
    throw new MissingPrerequisite(
      `Go: ${version === undefined ? 'no go on PATH' : `found ${version}`}, must be >= ${leastGo.join('.')} to build ${wanted}. Install it from https://go.dev/dl or your package manager, or ${instead}, then run the command again.`,
    );
  }
}

export function atLeast(version, least) {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [position, wanted] of least.entries()) {
    const part = parts[position] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

function glibcVersion() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime ?? null;
}

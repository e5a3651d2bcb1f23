/** Prints the kernels that are chosen where our own ops were not compiled. */
const dlopen = process.dlopen.bind(process);
process.dlopen = (module: object, file: string, flags?: number): void => {
  if (file.endsWith('/ops.node')) throw new Error('ops.node: cannot open shared object file');
  if (flags === undefined) dlopen(module, file);
  else dlopen(module, file, flags);
};

async function main(): Promise<void> {
  const { chooseKernels } = await import('../../../engine/kernels');
  console.log(JSON.stringify(chooseKernels()));
}

void main();

/**
 * How tests run: TypeScript and ESM-only packages through swc, two workers, after a check that set-up was run.
 */
const { swcOptions } = require('./test/setup/swc-options.cjs');

/** Packages without a CommonJS build; the leaves that use them import them dynamically (swc turns that into require). */
const esmPackages = '(@observablehq|d3|d3-[a-z-]+|internmap|delaunator|robust-predicates|isoformat)';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.(ts|js|mjs)$': ['@swc/jest', swcOptions] },
  transformIgnorePatterns: [`/node_modules/(?!${esmPackages}/)`, '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.lodestone/'],
  globalSetup: '<rootDir>/test/setup/global-setup.cjs',
  testTimeout: 60_000,
  maxWorkers: 2,
};

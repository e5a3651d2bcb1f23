import { processors } from '../../../bench/support/machine';

test('family and model of the CPU stand beside its name, where the system knows them', () => {
  const info = 'processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n';
  expect(processors(info)).toMatch(/^\d+ cores, .+ \(family 25, model 17\)$/);
  expect(processors('')).toMatch(/^\d+ cores, [^(]+/);
  expect(processors('')).not.toContain('family');
});

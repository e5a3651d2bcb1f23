import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure } from '@temporalio/common';
import { ServiceError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { exitCodeOf, toLodestoneError } from '../../cli/failures';
import { failures, LodestoneError, type FailureKind } from '../../errors';

const diverged = (): ApplicationFailure =>
  ApplicationFailure.nonRetryable('loss of step 7 is NaN. Lower the learning rate.', 'NumericalDivergence');
const inActivity = (cause: Error): ActivityFailure =>
  new ActivityFailure('Activity task failed', 'trainEpoch', '1', 'NON_RETRYABLE_FAILURE', 'host', cause);
const ended = (cause: Error): WorkflowFailedError =>
  new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE');

test.each<[string, unknown, FailureKind, RegExp]>([
  ['an activity of a run', ended(inActivity(diverged())), 'NumericalDivergence', /^loss of step 7 is NaN/],
  [
    'an activity of a child of a comparison',
    ended(
      new ChildWorkflowFailure(
        'default',
        { workflowId: 'x', runId: 'y' },
        'trainPipeline',
        'NON_RETRYABLE_FAILURE',
        inActivity(diverged()),
      ),
    ),
    'NumericalDivergence',
    /^loss of step 7 is NaN/,
  ],
  [
    'an input that the workflow refused',
    ended(ApplicationFailure.nonRetryable('epochs: got 0', 'InvalidConfig')),
    'InvalidConfig',
    /^epochs: got 0/,
  ],
  ['a failure of no kind of ours', ended(inActivity(new Error('no such thing'))), 'RunFailed', /no such thing/],
  ['a cancelled run', ended(new CancelledFailure('cancelled')), 'RunStopped', /What it committed is kept/],
  [
    'a run that is not there',
    new WorkflowNotFoundError('no execution found', 'x', undefined),
    'RunNotFound',
    /lodestone list/,
  ],
  [
    'a server that does not answer',
    new ServiceError('failed', { cause: Object.assign(new Error('14'), { code: 14, details: 'no connection' }) }),
    'TemporalUnavailable',
    /does not answer \(no connection\).*TEMPORAL_ADDRESS/,
  ],
  [
    'a server that refuses',
    new ServiceError('failed', { cause: Object.assign(new Error('16'), { code: 16, details: 'bad key' }) }),
    'TemporalUnavailable',
    /refuses the credentials \(bad key\)/,
  ],
  ['a full disk', Object.assign(new Error('write: no space'), { code: 'ENOSPC' }), 'DiskFull', /Free some space/],
  [
    'a folder in the place of a file',
    Object.assign(new Error('EISDIR'), { code: 'EISDIR', path: 'reports' }),
    'InvalidConfig',
    /^reports: got a folder, must be a file/,
  ],
  [
    'a folder of somebody else',
    Object.assign(new Error('EACCES'), { code: 'EACCES', path: '.lodestone/logs' }),
    'InvalidConfig',
    /^\.lodestone\/logs: refuses this user, must be a place to read and write\. Mend/,
  ],
  ['a fault of the program', new TypeError('x is undefined'), 'Unexpected', /x is undefined/],
])('%s becomes one clean message', (_, thrown, kind, message) => {
  const error = toLodestoneError(thrown);
  expect(error.kind).toBe(kind);
  expect(error.message).toMatch(message);
  expect(exitCodeOf(error)).toBe(failures[kind].exitCode);
});

test('our own errors are left as they are', () => {
  const error = new LodestoneError('PortTaken', 'port 7233 is in use');
  expect(toLodestoneError(error)).toBe(error);
});

test('no two kinds share an exit code, and none is that of success or of an interrupt', () => {
  const codes = Object.values(failures).map(({ exitCode }) => exitCode as number);
  expect(new Set(codes).size).toBe(codes.length);
  expect(codes).not.toEqual(expect.arrayContaining([0]));
  expect(codes).not.toEqual(expect.arrayContaining([130]));
});

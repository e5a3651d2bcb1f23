/** How a workflow says that a stop ended it before it had a result, where the server knows only that it failed. */

/** Field of its memo. */
export const STOPPED_MEMO = 'stopped';

export const STOPPED_MESSAGE = 'stopped before there was anything to evaluate.';

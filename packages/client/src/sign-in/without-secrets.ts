import { OperationProcessingError, UnsupportedOperationError } from 'oauth4webapi'

/**
 * The cause of a failure as it may be logged. `oauth4webapi` hangs what it had read on its errors: answers with tokens,
 * addresses with codes. Its sentences are fixed, and say enough.
 */
export function withoutSecrets(cause: unknown): unknown {
  const carriesWhatWasRead = cause instanceof OperationProcessingError || cause instanceof UnsupportedOperationError
  return carriesWhatWasRead ? new Error(cause.message) : cause
}

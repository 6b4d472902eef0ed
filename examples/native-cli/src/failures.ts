/** What went wrong, in a sentence for the person and a number for scripts. No sentence has a token in it. */

import {
  CustodyFailed,
  CustodyKeyUnavailable,
  RefreshPostponed,
  RefreshRefused,
  SignInFailed,
  SignInNeeded,
  SignInRefused,
} from '@pawl/client'
import { CallFailed } from './commands.ts'
import { SettingsError } from './settings.ts'

export const exitCodes = { failed: 1, usage: 2, configuration: 3, unreachable: 4, signInNeeded: 5, cancelled: 130 }

export interface Failure {
  readonly sentence: string
  readonly code: number
}

export function failureOf(error: unknown): Failure {
  if (error instanceof SettingsError || error instanceof CustodyKeyUnavailable) {
    return { sentence: error.message, code: exitCodes.configuration }
  }
  if (error instanceof SignInNeeded) {
    return { sentence: 'You are not signed in: run login.', code: exitCodes.signInNeeded }
  }
  if (error instanceof RefreshPostponed) {
    return { sentence: 'The server does not answer. You stay signed in: try again.', code: exitCodes.unreachable }
  }
  if (error instanceof SignInRefused || error instanceof SignInFailed) return signInFailure(error)
  if (error instanceof RefreshRefused || error instanceof CustodyFailed || error instanceof CallFailed) {
    return { sentence: error.message, code: exitCodes.failed }
  }
  // This is how the fetch of Node says that nobody was there.
  if (error instanceof TypeError && error.message === 'fetch failed') {
    return { sentence: 'The API does not answer.', code: exitCodes.unreachable }
  }
  return { sentence: error instanceof Error ? error.message : String(error), code: exitCodes.failed }
}

function signInFailure(error: SignInRefused | SignInFailed): Failure {
  if (error instanceof SignInRefused) {
    if (error.code === 'access_denied') return { sentence: 'You did not let it in.', code: exitCodes.failed }
    const why = error.description === null ? '' : `: ${error.description}`
    return { sentence: `The server refused to sign you in (${error.code})${why}`, code: exitCodes.failed }
  }
  if (error.reason === 'aborted') return { sentence: 'Cancelled.', code: exitCodes.cancelled }
  return {
    sentence: `${error.message}.`,
    code: error.reason === 'unanswered' ? exitCodes.unreachable : exitCodes.failed,
  }
}

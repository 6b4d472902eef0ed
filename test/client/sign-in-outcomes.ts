/** What a sign-in must fail with, for `assert.rejects`. */

import assert from 'node:assert/strict'
import { SignInFailed, SignInRefused } from '../../packages/client/src/sign-in/failures.ts'

export function failure(reason: SignInFailed['reason']) {
  return (error: unknown) => {
    assert.ok(error instanceof SignInFailed, String(error))
    assert.equal(error.reason, reason, error.message)
    return true
  }
}

export function refusal(step: SignInRefused['step'], code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof SignInRefused, String(error))
    assert.deepEqual([error.step, error.code], [step, code])
    return true
  }
}

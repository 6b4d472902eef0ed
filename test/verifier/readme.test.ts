import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shownAndCompiled } from '../shown-code.ts'

describe('the README of the verifier', () => {
  it('shows the files that are compiled, whole and unchanged, and no other code', () => {
    const [shown, compiled] = shownAndCompiled(['packages/verifier/README.md'], 'test/verifier/readme')
    assert.ok(shown.length > 0)
    assert.deepEqual(shown, compiled)
  })
})

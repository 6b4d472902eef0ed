import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shownAndCompiled } from '../shown-code.ts'

describe('the README of the backend for frontend', () => {
  it('shows the files that are compiled, whole and unchanged, and no other code', () => {
    const [shown, compiled] = shownAndCompiled(['packages/bff/README.md'], 'test/bff/readme')
    assert.equal(shown.length, 2)
    assert.deepEqual(shown, compiled)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parsePrompts, prompts } from './prompt.ts'

describe('prompt', () => {
  it('reads each value, and several', () => {
    for (const prompt of prompts) assert.deepEqual(parsePrompts(prompt), [prompt])
    assert.deepEqual(parsePrompts('login consent'), ['login', 'consent'])
    assert.deepEqual(parsePrompts('consent consent'), ['consent'])
  })

  it('refuses none and create in company, unknown values, other capitals and stray spaces', () => {
    for (const text of [
      'none login',
      'login none',
      'create login',
      'none create',
      'Login',
      '',
      ' login',
      'login ',
      'login  consent',
      'login,consent',
    ]) {
      assert.equal(parsePrompts(text), null, JSON.stringify(text))
    }
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSubset, parseScope, scopeCharactersMax, scopesMax } from './scope.ts'

describe('scope', () => {
  it('reads tokens in the order they came, each once', () => {
    assert.deepEqual(parseScope('openid email'), ['openid', 'email'])
    assert.deepEqual(parseScope('b a b'), ['b', 'a'])
    assert.deepEqual(parseScope('https://a.example/read:all !#[]~'), ['https://a.example/read:all', '!#[]~'])
  })

  it('refuses what the grammar does not have', () => {
    for (const text of ['', ' ', ' a', 'a ', 'a  b', 'a\tb', 'a\nb', 'a"b', 'a\\b', 'é', 'a\0', 'a\u007f']) {
      assert.equal(parseScope(text), null, JSON.stringify(text))
    }
  })

  it('has a limit on characters and on tokens', () => {
    assert.equal(parseScope('x'.repeat(scopeCharactersMax))?.length, 1)
    assert.equal(parseScope('x'.repeat(scopeCharactersMax + 1)), null)
    assert.equal(parseScope(Array.from({ length: scopesMax }, (_, index) => `s${index}`).join(' '))?.length, scopesMax)
    assert.equal(parseScope(Array.from({ length: scopesMax + 1 }, () => 's').join(' ')), null)
  })

  it('compares capitals, and knows no wildcard', () => {
    assert.equal(isSubset(['a'], ['b', 'a']), true)
    assert.equal(isSubset([], []), true)
    assert.equal(isSubset(['a', 'c'], ['a', 'b']), false)
    assert.equal(isSubset(['A'], ['a']), false)
    assert.equal(isSubset(['*'], ['a']), false)
  })
})

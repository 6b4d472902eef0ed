import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonDepthMax, jsonMembersMax, parseJsonObject } from './strict-json.ts'

function isTaken(text: string): boolean {
  return 'object' in parseJsonObject(text)
}

describe('parseJsonObject', () => {
  it('gives the object', () => {
    assert.deepEqual(parseJsonObject(' {"a": [1, {"b": "}"}], "c": "\\"{[:" } '), {
      object: { a: [1, { b: '}' }], c: '"{[:' },
    })
  })

  it('takes no other value and nothing that is no JSON', () => {
    for (const text of ['', 'null', '[]', '"a"', '1', 'true', '{', '{"a":1}}', "{'a':1}", '{"a":1,}', '{"a":NaN}']) {
      assert.equal(isTaken(text), false, text)
    }
  })

  it('refuses a member that is named twice in one object, in any spelling', () => {
    assert.equal(isTaken('{"a":1,"a":1}'), false)
    assert.equal(isTaken('{"a":1,"\\u0061":2}'), false)
    assert.equal(isTaken('{"b":{"a":1,"c":[],"a" : 2}}'), false)
    assert.equal(isTaken('{"a":{"a":1},"b":[{"a":1},{"a":"a"}]}'), true)
    assert.equal(isTaken('{"a":"a","b":"a"}'), true)
  })

  it('goes so deep and no deeper', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    assert.equal(isTaken(nested(jsonDepthMax)), true)
    assert.equal(isTaken(nested(jsonDepthMax + 1)), false)
  })

  it('takes so many members and no more, wherever they are', () => {
    const members = (count: number) => Array.from({ length: count }, (_, n) => `"m${n}":0`).join(',')
    assert.equal(isTaken(`{${members(jsonMembersMax)}}`), true)
    assert.equal(isTaken(`{${members(jsonMembersMax + 1)}}`), false)
    assert.equal(isTaken(`{"a":[{${members(jsonMembersMax)}}]}`), false)
  })

  it('makes nothing of a member called __proto__ but a member', () => {
    const parsed = parseJsonObject('{"__proto__":{"admin":true}}')
    assert.ok('object' in parsed)
    assert.equal(parsed.object['admin'], undefined)
  })
})

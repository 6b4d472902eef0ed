import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAnswerReader } from './answer-reader.ts'

const sized = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
const chunked = 'HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'

describe('answer reader', () => {
  for (const [name, text, status] of [
    ['a sized answer', sized, 200],
    ['a chunked answer', chunked, 400],
  ] as const) {
    it(`reads ${name} wherever it is split, and only once it is whole`, () => {
      for (let split = 1; split < text.length; split++) {
        const read = createAnswerReader()
        assert.equal(read(text.slice(0, split)), null)
        assert.deepEqual(read(text.slice(split)), { status, body: '{"a":1}' })
      }
    })
  }

  it('reads one answer after another on the same connection', () => {
    const read = createAnswerReader()
    assert.equal(read(sized)?.status, 200)
    assert.equal(read(chunked)?.status, 400)
  })

  it('refuses an answer without a length, which would never end', () => {
    assert.throws(() => createAnswerReader()('HTTP/1.1 200 OK\r\n\r\n{}'), /neither a length nor chunks/)
  })

  it('refuses bytes beyond the length that was announced', () => {
    assert.throws(() => createAnswerReader()(`${sized}!`), /longer than its content-length/)
  })
})

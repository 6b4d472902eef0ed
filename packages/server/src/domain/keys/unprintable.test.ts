import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { format, inspect } from 'node:util'
import { unprintable, unprintableBytes } from './unprintable.ts'

describe('what is unprintable', () => {
  it('says "[secret]" wherever an object is printed, nested and copied too', () => {
    const holder = { id: 1, value: 'open sesame', ...unprintable }
    for (const text of [inspect(holder), format('%o %j', holder, holder), JSON.stringify({ holder: { ...holder } })]) {
      assert.match(text, /\[secret\]/)
      assert.doesNotMatch(text, /sesame/)
    }
  })

  it('hides bytes without changing them', () => {
    const bytes = unprintableBytes(Uint8Array.of(201, 202, 203))
    assert.equal(inspect({ bytes }), '{ bytes: [secret] }')
    assert.equal(JSON.stringify({ bytes }), '{"bytes":"[secret]"}')
    assert.deepEqual([...bytes], [201, 202, 203])
  })
})

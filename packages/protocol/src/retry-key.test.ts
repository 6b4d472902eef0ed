import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatRetryKey, parseRetryKey } from './retry-key.ts'

const derived = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

describe('the retry key', () => {
  it('reads back what it wrote', () => {
    assert.equal(parseRetryKey(formatRetryKey(derived)), `rk1.${derived}`)
    assert.equal(parseRetryKey(`  "rk1.${derived}"  `), `rk1.${derived}`)
  })

  it('ignores every other value: the header belongs to others too', () => {
    const others = [
      undefined,
      '',
      derived,
      `rk1.${derived}`,
      `"rk2.${derived}"`,
      `"RK1.${derived}"`,
      `"rk1.${derived}`,
      `"rk1.${derived.slice(1)}"`,
      `"rk1.${derived}x"`,
      `"rk1.${derived.replace('-', '+')}"`,
      `"rk1.${derived}", "rk1.${derived}"`,
      `"rk1.${derived}";a=1`,
      '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    ]
    for (const header of others) assert.equal(parseRetryKey(header), null, String(header))
  })
})

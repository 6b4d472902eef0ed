import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { type Meaning, meaningOf, statementRefused, unavailable } from './postgres-error.ts'

function serverError(code: string, more: object = {}): Error {
  return Object.assign(new Error('said by the server'), { code, severity: 'ERROR', ...more })
}

describe('an error of PostgreSQL', () => {
  const meanings: { readonly [meaning in Meaning]: readonly string[] } = {
    again: ['40001', '40P01', '25P02', '26000'],
    refused: ['23505', '22P02', '42P01', '42501', '0A000'],
    away: ['25006', '53100', '53200', '55P03', '57014'],
    // These end the session, or leave it open what happened.
    unknown: ['57P01', '57P02', '57P03', '25P03', '53300', '08006', '40003', 'XX000', '58030', 'ZZZZZ'],
  }
  for (const [meaning, codes] of Object.entries(meanings)) {
    it(`means '${meaning}' for ${codes.join(', ')}`, () => {
      assert.deepEqual([...new Set(codes.map(code => meaningOf(serverError(code))))], [meaning])
    })
  }
  it('means nothing certain where it is not of the server at all', () => {
    const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    for (const error of [broken, new Error('Connection terminated'), 'no error']) {
      assert.equal(meaningOf(error), 'unknown')
    }
    // Five capital letters, and yet an error of the system.
    assert.equal(meaningOf(Object.assign(new Error('broken pipe'), { code: 'EPIPE' })), 'unknown')
  })
  it('is told with the names in it, and with no value', () => {
    const detail = 'Failing row contains (secret).'
    const error = statementRefused(serverError('23502', { table: 'events', column: 'kind', detail, where: 'secret' }))
    assert.equal(error.message, 'PostgreSQL refused a statement: SQLSTATE 23502, table events, column kind')
    const spoken = Object.assign(serverError('22P02'), { message: 'invalid input syntax for type json: "secret"' })
    for (const told of [error, statementRefused(spoken), unavailable(spoken)]) {
      assert.ok(!inspect(told).includes('secret'), inspect(told))
    }
  })
})

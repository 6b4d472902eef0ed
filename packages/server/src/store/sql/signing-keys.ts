/** Signing keys, their private part sealed before it comes here. The set changes by compare-and-set on its size. */

import type { SigningAlgorithm } from '../../domain/client/signing-algorithm.ts'
import type { SigningKeyStore, StoredSigningKey } from '../../domain/keys/signing-key-store.ts'
import { eventStatements } from './events.ts'
import { always, bytesAt, numberAt, numberOrNullAt, type Row, type Sql, type Statement, textAt } from './sql.ts'

export function sqlSigningKeys(sql: Sql): SigningKeyStore {
  return {
    list: async () => {
      const rows = await sql.read({ text: `SELECT ${columns} FROM signing_keys ORDER BY created_ms, kid`, params: [] })
      return rows.map(keyOf)
    },
    reseal: async (kid, sealedPrivateKey) => {
      await sql.write(always([{ text: resealText, params: [sealedPrivateKey, kid] }]))
    },
    add: async (keys, retire, expectedCount, events) => {
      const retires = retire.map(({ kid, verifiesUntilMs }) => ({ text: retireText, params: [verifiesUntilMs, kid] }))
      return sql.write({
        about: 'signing keys',
        guard: { text: countText, params: [keys.length, expectedCount] },
        statements: [...keys.map(addStatement), ...retires, ...eventStatements(events)],
      })
    },
  }
}

const columns = 'kid, algorithm, sealed_private_key, public_jwk, created_ms, signs_from_ms, verifies_until_ms'
const countText = "UPDATE counters SET value = value + $1 WHERE name = 'signing_keys' AND value = $2"
const addText = `INSERT INTO signing_keys (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7)`
const resealText = 'UPDATE signing_keys SET sealed_private_key = $1 WHERE kid = $2'
const retireText = 'UPDATE signing_keys SET verifies_until_ms = $1 WHERE kid = $2'

function addStatement(key: StoredSigningKey): Statement {
  const { kid, algorithm, sealedPrivateKey, publicJwk, createdAtMs, signsFromMs, verifiesUntilMs } = key
  return {
    text: addText,
    params: [kid, algorithm, sealedPrivateKey, publicJwk, createdAtMs, signsFromMs, verifiesUntilMs],
  }
}

function keyOf(row: Row): StoredSigningKey {
  return {
    kid: textAt(row, 0),
    algorithm: textAt(row, 1) as SigningAlgorithm,
    sealedPrivateKey: bytesAt(row, 2),
    publicJwk: textAt(row, 3),
    createdAtMs: numberAt(row, 4),
    signsFromMs: numberAt(row, 5),
    verifiesUntilMs: numberOrNullAt(row, 6),
  }
}

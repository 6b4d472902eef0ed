/** What people show besides a password: keys of one-time codes, recovery codes and passkeys. */

import type { Subject } from '@pawl/family'
import {
  type Credentials,
  type CredentialStore,
  type Passkey,
  passkeysPerUserMax,
  type Totp,
} from '../../domain/user/credentials.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { endStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { always, bytesAt, numberAt, numberOrNullAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { type StoreClock, touchText } from './store-clock.ts'

export function sqlCredentials(sql: Sql, clock: StoreClock): CredentialStore {
  return { ofUser: subject => credentialsOf(sql, subject), ...codeVerbs(sql, clock), ...passkeyVerbs(sql, clock) }
}

async function credentialsOf(sql: Sql, subject: Subject): Promise<Credentials> {
  const params = [subject]
  const [codes, passkeys] = await Promise.all([
    sql.read({ text: totpText, params }),
    sql.read({ text: `${passkeyText} WHERE subject = $1 ORDER BY created_ms, id`, params }),
  ])
  const [row] = codes
  const totp = row === undefined ? null : totpOf(row)
  return { totp, recoveryCodesLeft: row === undefined ? 0 : numberAt(row, 4), passkeys: passkeys.map(passkeyOf) }
}

type CodeVerb = 'setTotp' | 'spendTotp' | 'resealTotp' | 'removeTotp' | 'setRecoveryCodes' | 'spendRecoveryCode'

function codeVerbs(sql: Sql, clock: StoreClock): Pick<CredentialStore, CodeVerb> {
  return {
    setTotp: async (totp, recoveryHashes, ends, events) => {
      const { subject, sealedKey, lastStep, createdAtMs } = totp
      const statements = [
        { text: setTotpText, params: [subject, sealedKey, lastStep, createdAtMs] },
        ...recoveryStatements(subject, recoveryHashes),
      ]
      await sql.write(always([...statements, ...endStatements(subject, ends, clock), ...eventStatements(events)]))
    },
    spendTotp: async (subject, step) =>
      sql.write({
        about: aboutCodes(subject),
        guard: { text: spendTotpText, params: [subject, step] },
        statements: [],
      }),
    resealTotp: async ({ subject, sealedKey: before }, sealedKey) => {
      const guard = { text: resealTotpText, params: [subject, before, sealedKey] }
      await sql.write({ about: aboutCodes(subject), guard, statements: [] })
    },
    removeTotp: async (subject, ends, events) => {
      const statements = [{ text: removeTotpText, params: [subject] }, ...recoveryStatements(subject, [])]
      await sql.write(always([...statements, ...endStatements(subject, ends, clock), ...eventStatements(events)]))
    },
    setRecoveryCodes: async (subject, hashes, events) => {
      // Whoever changes codes holds the row of their key: two that come at once leave those of one.
      const guard = { text: touchTotpText, params: [subject] }
      const statements = [...recoveryStatements(subject, hashes), ...eventStatements(events)]
      return sql.write({ about: aboutCodes(subject), guard, statements })
    },
    spendRecoveryCode: async (subject, hashes, events) => {
      for (const hash of hashes) {
        const guard = { text: spendRecoveryText, params: [subject, hash] }
        const unit = { about: aboutCodes(subject), guard, statements: eventStatements(events) }
        if ((await sql.write(unit)) === 'done') return 'done'
      }
      return 'moved'
    },
  }
}

type PasskeyVerb = 'readPasskey' | 'addPasskey' | 'usePasskey' | 'removePasskey'

function passkeyVerbs(sql: Sql, clock: StoreClock): Pick<CredentialStore, PasskeyVerb> {
  return {
    readPasskey: async id => {
      const [row] = await sql.read({ text: `${passkeyText} WHERE id = $1`, params: [id] })
      return row === undefined ? null : passkeyOf(row)
    },
    addPasskey: async (passkey, ends, events) => {
      const guard = { text: addPasskeyText, params: [...valuesOf(passkey), passkeysPerUserMax] }
      const statements = [...endStatements(passkey.subject, ends, clock), ...eventStatements(events)]
      return sql.write({ about: aboutPasskeys(passkey.subject), guard, statements })
    },
    usePasskey: async ({ id, subject, counter: before }, counter, usedAtMs) => {
      const guard = { text: usePasskeyText, params: [id, before, counter, usedAtMs] }
      return sql.write({ about: aboutPasskeys(subject), guard, statements: [] })
    },
    removePasskey: async (passkey, ends, events) => {
      const ended = endStatements(passkey.subject, ends, clock)
      return removePasskey(sql, passkey, [...ended, ...eventStatements(events)])
    },
  }
}

/** One that was gone already is found to be so by a write. */
async function removePasskey(
  sql: Sql,
  { id, subject }: Pick<Passkey, 'id' | 'subject'>,
  statements: readonly Statement[],
): Promise<'done' | 'moved'> {
  const params = [id, subject]
  const guard = { text: removePasskeyText, params }
  if ((await sql.write({ about: aboutPasskeys(subject), guard, statements })) === 'done') return 'done'
  const gone = { text: passkeyGoneText, params }
  if ((await sql.write({ about: null, guard: gone, statements: [] })) === 'done') return 'moved'
  throw new StoreUnavailable('a passkey came back while it was removed')
}

const totpText = `SELECT subject, sealed_key, last_step, created_ms,
(SELECT count(*) FROM recovery_codes r WHERE r.subject = t.subject) FROM totps t WHERE t.subject = $1`

const setTotpText = `INSERT INTO totps (subject, sealed_key, last_step, created_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (subject) DO UPDATE SET sealed_key = excluded.sealed_key, last_step = excluded.last_step,
created_ms = excluded.created_ms`

const spendTotpText = 'UPDATE totps SET last_step = $2 WHERE subject = $1 AND last_step < $2'
const touchTotpText = 'UPDATE totps SET created_ms = created_ms WHERE subject = $1'
const resealTotpText = 'UPDATE totps SET sealed_key = $3 WHERE subject = $1 AND sealed_key = $2'
const removeTotpText = 'DELETE FROM totps WHERE subject = $1'
const spendRecoveryText = 'DELETE FROM recovery_codes WHERE subject = $1 AND code_hash = $2'

const passkeyText = `SELECT id, subject, name, public_key, counter, transports, created_ms, used_ms FROM passkeys`

/** The bound stands in the statement itself. Where several are added at the same moment, PostgreSQL may pass it by those. */
const addPasskeyText = `INSERT INTO passkeys (id, subject, name, public_key, counter, transports, created_ms)
SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM passkeys WHERE subject = $2) < $8
ON CONFLICT DO NOTHING`

const removePasskeyText = 'DELETE FROM passkeys WHERE id = $1 AND subject = $2'
const passkeyGoneText = `${touchText} AND NOT EXISTS (SELECT 1 FROM passkeys WHERE id = $1 AND subject = $2)`
const usePasskeyText = 'UPDATE passkeys SET counter = $3, used_ms = $4 WHERE id = $1 AND counter = $2'

function recoveryStatements(subject: Subject, hashes: readonly string[]): Statement[] {
  const forget: Statement = { text: 'DELETE FROM recovery_codes WHERE subject = $1', params: [subject] }
  const text = 'INSERT INTO recovery_codes (subject, code_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING'
  return [forget, ...hashes.map(hash => ({ text, params: [subject, hash] }))]
}

function aboutCodes(subject: Subject): string {
  return `codes ${subject}`
}

function aboutPasskeys(subject: Subject): string {
  return `passkeys ${subject}`
}

function totpOf(row: Row): Totp {
  return {
    subject: textAt(row, 0) as Subject,
    sealedKey: bytesAt(row, 1),
    lastStep: numberAt(row, 2),
    createdAtMs: numberAt(row, 3),
  }
}

function valuesOf(passkey: Passkey): Statement['params'] {
  const { id, subject, name, publicKey, counter, transports, createdAtMs } = passkey
  return [id, subject, name, publicKey, counter, JSON.stringify(transports), createdAtMs]
}

function passkeyOf(row: Row): Passkey {
  return {
    id: textAt(row, 0),
    subject: textAt(row, 1) as Subject,
    name: textAt(row, 2),
    publicKey: bytesAt(row, 3),
    counter: numberAt(row, 4),
    transports: JSON.parse(textAt(row, 5)) as string[],
    createdAtMs: numberAt(row, 6),
    usedAtMs: numberOrNullAt(row, 7),
  }
}

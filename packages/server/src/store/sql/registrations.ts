/**
 * Clients that came by themselves, each with a row that says until when it is kept, and the tokens that open registration.
 * The client itself is a row of `clients` like every other.
 */

import type { InitialAccessToken, RegistrationStore } from '../../domain/registration/registration-store.ts'
import { addClientStatement, originStatements } from './clients.ts'
import { eventStatements } from './events.ts'
import { always, numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlRegistrations(sql: Sql, clock: StoreClock): RegistrationStore {
  return {
    addToken: async (token, secretHash, events) => {
      const { name, usesLeft, expiresAtMs, createdAtMs, ...document } = token
      const params = [name, secretHash, JSON.stringify(document), usesLeft, expiresAtMs, createdAtMs]
      return sql.write({
        about: aboutToken(name),
        guard: { text: addTokenText, params },
        statements: eventStatements(events),
      })
    },
    findToken: async secretHash => {
      const [row] = await sql.read({ text: findTokenText, params: [secretHash] })
      return row === undefined ? null : tokenOf(row)
    },
    listTokens: async limit => (await sql.read({ text: listTokensText, params: [limit] })).map(tokenOf),
    removeToken: async (name, events) =>
      sql.write({
        about: aboutToken(name),
        guard: { text: removeTokenText, params: [name] },
        statements: eventStatements(events),
      }),
    addClient: async (client, terms, events) => {
      const nowMs = await readNowMs(sql, clock)
      const added = addClientStatement(client, nowMs)
      const kept: Statement = { text: keepText, params: [client.id, terms.keptUntilMs] }
      const statements = [kept, ...originStatements(client), ...eventStatements(events)]
      if (terms.tokenName === null) return sql.write({ about: `client ${client.id}`, guard: added, statements })
      // The use is what two requests can race for; the id is random, so nobody else has it.
      const use: Statement = { text: useTokenText, params: [terms.tokenName, nowMs] }
      return sql.write({ about: aboutToken(terms.tokenName), guard: use, statements: [added, ...statements] })
    },
    keepClient: async (id, untilMs) => {
      await sql.write(always([{ text: keepLongerText, params: [id, untilMs, untilMs - dayMs] }]))
    },
    countClients: async max => {
      const [row] = await sql.read({ text: countText, params: [max] })
      return row === undefined ? 0 : numberAt(row, 0)
    },
  }
}

const columns = 'name, document, uses_left, expires_ms, created_ms'
const addTokenText = `INSERT INTO registration_tokens (name, secret_hash, document, uses_left, expires_ms, created_ms)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
const findTokenText = `SELECT ${columns} FROM registration_tokens WHERE secret_hash = $1`
const listTokensText = `SELECT ${columns} FROM registration_tokens ORDER BY name LIMIT $1`
const removeTokenText = 'DELETE FROM registration_tokens WHERE name = $1'
const useTokenText = `UPDATE registration_tokens SET uses_left = uses_left - 1
WHERE name = $1 AND uses_left > 0 AND expires_ms > $2`

const keepText = 'INSERT INTO registered_clients (client_id, kept_until_ms) VALUES ($1, $2)'
const dayMs = 86_400_000
const keepLongerText = `UPDATE registered_clients SET kept_until_ms = $2
WHERE client_id = $1 AND kept_until_ms < $3`
const countText = 'SELECT COUNT(*) FROM (SELECT client_id FROM registered_clients LIMIT $1) AS counted'

function aboutToken(name: string): string {
  return `registration token ${name}`
}

function tokenOf(row: Row): InitialAccessToken {
  const document = JSON.parse(textAt(row, 1)) as Pick<InitialAccessToken, 'kinds' | 'scopes' | 'partner'>
  return {
    ...document,
    name: textAt(row, 0),
    usesLeft: numberAt(row, 2),
    expiresAtMs: numberAt(row, 3),
    createdAtMs: numberAt(row, 4),
  }
}

/** Clients whose time is over, the longest over first. */
export function overdueClients(nowMs: number, limit: number): Statement {
  const text = 'SELECT client_id FROM registered_clients WHERE kept_until_ms < $1 ORDER BY kept_until_ms LIMIT $2'
  return { text, params: [nowMs, limit] }
}

/**
 * Forgets the client if it holds nothing, and looks again later if it does. One that somebody let in since it was found
 * overdue stays. A family that is opened at this very moment keeps no client, and without one nothing can be done with
 * it: it runs out by itself.
 */
export function forgetOrKeep(clientId: string, nowMs: number, keptUntilMs: number): readonly Statement[] {
  const params = [clientId]
  return [
    { text: forgetClientText, params: [clientId, nowMs] },
    { text: keepOnText, params: [clientId, keptUntilMs, nowMs] },
    { text: forgetRowText, params },
    { text: forgetOriginsText, params },
  ]
}

const forgetClientText = `DELETE FROM clients WHERE id = $1
AND EXISTS (SELECT 1 FROM registered_clients r WHERE r.client_id = clients.id AND r.kept_until_ms < $2)
AND NOT EXISTS (SELECT 1 FROM families WHERE families.client_id = clients.id)`
const keepOnText = `UPDATE registered_clients SET kept_until_ms = $2 WHERE client_id = $1 AND kept_until_ms < $3
AND EXISTS (SELECT 1 FROM clients WHERE clients.id = registered_clients.client_id)`
const forgetRowText = `DELETE FROM registered_clients WHERE client_id = $1
AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = registered_clients.client_id)`
const forgetOriginsText = `DELETE FROM client_origins WHERE client_id = $1
AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = client_origins.client_id)`

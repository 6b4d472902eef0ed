/**
 * Clients, each as one JSON document with a version. What any process wrote counts at once: every read asks for the
 * version, and only a document of that very version is taken from memory, where the last few hundred are kept parsed.
 */

import { type Client, type ClientReading, type ClientStore, originsOf } from '../../domain/client/client.ts'
import { readKeptClient, writeKeptClient } from '../../domain/client/kept-client.ts'
import { cutOffStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlClients(sql: Sql, clock: StoreClock): ClientStore {
  const parsed = parsedClients()
  return {
    read: async id => {
      const known = parsed.get(id)
      if (known !== undefined) {
        const [row] = await sql.read({ text: clientVersionText, params: [id] })
        if (row !== undefined && row[1] === known.version) return known
      }
      const [row] = await sql.read({ text: readText, params: [id] })
      const reading = row === undefined ? null : readingOf(row)
      parsed.keep(id, reading)
      return reading
    },
    list: async limit => {
      const rows = await sql.read({ text: listText, params: [limit] })
      return rows.map(row => readingOf(row).client)
    },
    hasOrigin: async origin => (await sql.read({ text: originText, params: [origin] })).length > 0,
    add: async (client, events) => {
      // Versions begin at the store's time, which a removal moves on: an id that is given again never meets a version
      // that was read before.
      const version = await readNowMs(sql, clock)
      const guard = addClientStatement(client, version)
      const statements = [...originStatements(client), ...eventStatements(events)]
      return sql.write({ about: aboutClient(client.id), guard, statements })
    },
    change: async (client, version, cutsOff, events) => {
      const guard: Statement = { text: changeText, params: [writeKeptClient(client), client.id, version] }
      const target = { kind: 'client', clientId: client.id } as const
      const cutOff = { target, reason: 'client disabled', by: 'rule', beforeMs: null }
      const cuts = cutsOff ? cutOffStatements(cutOff, clock) : []
      const statements = [...cuts, ...originStatements(client), ...eventStatements(events)]
      return sql.write({ about: aboutClient(client.id), guard, statements })
    },
    remove: async (id, version, events) => {
      const target = { kind: 'client', clientId: id } as const
      const cutOff = { target, reason: 'client removed', by: 'rule', beforeMs: null }
      const forgotten = [forgetOriginsText, forgetRegistrationText].map(text => ({ text, params: [id] }))
      const statements = [...cutOffStatements(cutOff, clock), ...forgotten, ...eventStatements(events)]
      return sql.write({ about: aboutClient(id), guard: { text: removeText, params: [id, version] }, statements })
    },
  }
}

/** Changes no row where the id is taken. */
export function addClientStatement(client: Client, version: number): Statement {
  return { text: addText, params: [client.id, writeKeptClient(client), version] }
}

/** Ends with the key, which is its first column too: an engine may ask for many clients at once. */
export const clientVersionText = 'SELECT id, version FROM clients WHERE id = $1'
const readText = 'SELECT document, version FROM clients WHERE id = $1'
const listText = 'SELECT document, version FROM clients ORDER BY id LIMIT $1'
const addText = 'INSERT INTO clients (id, document, version, added_ms) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING'
const changeText = 'UPDATE clients SET document = $1, version = version + 1 WHERE id = $2 AND version = $3'
const removeText = 'DELETE FROM clients WHERE id = $1 AND version = $2'

const originText = 'SELECT 1 FROM client_origins WHERE origin = $1 LIMIT 1'
const forgetOriginsText = 'DELETE FROM client_origins WHERE client_id = $1'
const forgetRegistrationText = 'DELETE FROM registered_clients WHERE client_id = $1'
const keepOriginText = 'INSERT INTO client_origins (client_id, origin) VALUES ($1, $2)'

/** The origins of a client as it is now, in place of those it had. */
export function originStatements(client: Client): readonly Statement[] {
  const kept = originsOf(client).map(origin => ({ text: keepOriginText, params: [client.id, origin] }))
  return [{ text: forgetOriginsText, params: [client.id] }, ...kept]
}

function aboutClient(id: string): string {
  return `client ${id}`
}

function readingOf(row: Row): ClientReading {
  return { client: readKeptClient(textAt(row, 0)), version: numberAt(row, 1) }
}

/** How many clients are kept parsed. */
export const clientsParsedMax = 512

/** Forgets the one that was parsed first when it is full: busy clients come back at once. */
function parsedClients() {
  const readings = new Map<string, ClientReading>()
  return {
    get: (id: string) => readings.get(id),
    keep: (id: string, reading: ClientReading | null): void => {
      readings.delete(id)
      if (reading === null) return
      const [oldest] = readings.keys()
      if (readings.size >= clientsParsedMax && oldest !== undefined) readings.delete(oldest)
      readings.set(id, reading)
    },
  }
}

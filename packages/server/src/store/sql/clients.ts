/** Clients, each as one JSON document with a version. Nothing is cached: what any process wrote counts at once. */

import type { Client, ClientReading, ClientStore } from '../../domain/client/client.ts'
import { cutOffStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { numberAt, type Row, type Sql, type Statement, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlClients(sql: Sql, clock: StoreClock): ClientStore {
  return {
    read: async id => {
      const rows = await sql.read({ text: readText, params: [id] })
      const row = rows[0]
      return row === undefined ? null : readingOf(row)
    },
    list: async limit => {
      const rows = await sql.read({ text: listText, params: [limit] })
      return rows.map(row => readingOf(row).client)
    },
    add: async (client, events) => {
      // Versions begin at the store's time, which a removal moves on: an id that is given again never meets a version
      // that was read before.
      const version = await readNowMs(sql, clock)
      const guard = { text: addText, params: [client.id, JSON.stringify(client), version] }
      return sql.write({ about: aboutClient(client.id), guard, statements: eventStatements(events) })
    },
    change: async (client, version, cutsOff, events) => {
      const guard: Statement = { text: changeText, params: [JSON.stringify(client), client.id, version] }
      const target = { kind: 'client', clientId: client.id } as const
      const cutOff = { target, reason: 'client disabled', by: 'rule', beforeMs: null }
      const cuts = cutsOff ? cutOffStatements(cutOff, clock.nowMs(0)) : []
      return sql.write({ about: aboutClient(client.id), guard, statements: [...cuts, ...eventStatements(events)] })
    },
    remove: async (id, version, events) => {
      const target = { kind: 'client', clientId: id } as const
      const cutOff = { target, reason: 'client removed', by: 'rule', beforeMs: null }
      const statements = [...cutOffStatements(cutOff, clock.nowMs(0)), ...eventStatements(events)]
      return sql.write({ about: aboutClient(id), guard: { text: removeText, params: [id, version] }, statements })
    },
  }
}

const readText = 'SELECT document, version FROM clients WHERE id = $1'
const listText = 'SELECT document, version FROM clients ORDER BY id LIMIT $1'
const addText = 'INSERT INTO clients (id, document, version, added_ms) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING'
const changeText = 'UPDATE clients SET document = $1, version = version + 1 WHERE id = $2 AND version = $3'
const removeText = 'DELETE FROM clients WHERE id = $1 AND version = $2'

function aboutClient(id: string): string {
  return `client ${id}`
}

function readingOf(row: Row): ClientReading {
  return { client: JSON.parse(textAt(row, 0)) as Client, version: numberAt(row, 1) }
}

/**
 * Remembered consents, one row per scope: two that are given at once add up without either reading the other. An empty
 * scope stands for the consent itself, so that a consent to nothing is remembered too.
 */

import type { ClientId, Subject } from '@pawl/family'
import type { ConsentStore } from '../../domain/consent/consent.ts'
import { cutOffStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { always, numberAt, type Sql, textAt } from './sql.ts'
import type { StoreClock } from './store-clock.ts'
import type { Sweeper } from './sweep.ts'

export function sqlConsents(sql: Sql, clock: StoreClock, sweeper: Sweeper): ConsentStore {
  return {
    read: async (subject: Subject, clientId: ClientId) => {
      const rows = await sql.read({ text: readText, params: [subject, clientId] })
      if (rows.length === 0) return null
      const scopes = rows.map(row => textAt(row, 0)).filter(scope => scope !== '')
      return { subject, clientId, scopes, givenAtMs: Math.max(...rows.map(row => numberAt(row, 1))) }
    },
    save: async (consent, events) => {
      const { subject, clientId, givenAtMs } = consent
      const scopes = ['', ...consent.scopes]
      const gives = scopes.map(scope => ({ text: saveText, params: [subject, clientId, scope, givenAtMs] }))
      await sql.write(always([...gives, ...eventStatements(events)]))
      sweeper.consented(gives.length)
    },
    withdraw: async (subject, clientId, by, events) => {
      const target = { kind: 'consent', subject, clientId } as const
      const cutOff = { target, reason: 'consent withdrawn', by, beforeMs: null }
      const forget = { text: 'DELETE FROM consents WHERE subject = $1 AND client_id = $2', params: [subject, clientId] }
      await sql.write(always([forget, ...cutOffStatements(cutOff, clock), ...eventStatements(events)]))
    },
  }
}

/** What was given to a client that was removed is not given to another that takes its id. */
const readText = `SELECT scope, given_ms FROM consents WHERE subject = $1 AND client_id = $2
AND given_ms >= COALESCE((SELECT added_ms FROM clients WHERE id = $2), 0) ORDER BY scope`

const saveText = `INSERT INTO consents (subject, client_id, scope, given_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (subject, client_id, scope) DO UPDATE SET given_ms = excluded.given_ms`

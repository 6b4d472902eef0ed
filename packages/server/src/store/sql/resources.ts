/** The register of resources, each one JSON document with a version, found by its indicator or its audience. */

import {
  type Resource,
  type ResourceReading,
  resourcesOfAudienceMax,
  type ResourceStore,
} from '../../domain/resource/resource.ts'
import { eventStatements } from './events.ts'
import { numberAt, type Row, type Sql, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlResources(sql: Sql, clock: StoreClock): ResourceStore {
  return {
    read: async indicator => {
      const [row] = await sql.read({ text: readText, params: [indicator] })
      return row === undefined ? null : readingOf(row)
    },
    ofAudience: async audience => {
      const rows = await sql.read({ text: ofAudienceText, params: [audience, resourcesOfAudienceMax] })
      return rows.map(row => readingOf(row).resource)
    },
    list: async limit => {
      const rows = await sql.read({ text: listText, params: [limit] })
      return rows.map(row => readingOf(row).resource)
    },
    add: async (resource, events) => {
      // Versions begin at the store's time: an indicator that is given again later meets no version of before.
      const version = await readNowMs(sql, clock)
      const { indicator, audience } = resource
      const guard = { text: addText, params: [indicator, audience, JSON.stringify(resource), version] }
      return sql.write({ about: aboutResource(indicator), guard, statements: eventStatements(events) })
    },
    change: async (resource, version, events) => {
      const { indicator, audience } = resource
      const guard = { text: changeText, params: [audience, JSON.stringify(resource), indicator, version] }
      return sql.write({ about: aboutResource(indicator), guard, statements: eventStatements(events) })
    },
    remove: async (indicator, version, events) => {
      const guard = { text: removeText, params: [indicator, version] }
      return sql.write({ about: aboutResource(indicator), guard, statements: eventStatements(events) })
    },
  }
}

const readText = 'SELECT document, version FROM resources WHERE indicator = $1'
const ofAudienceText = 'SELECT document, version FROM resources WHERE audience = $1 ORDER BY indicator LIMIT $2'
const listText = 'SELECT document, version FROM resources ORDER BY indicator LIMIT $1'
const addText =
  'INSERT INTO resources (indicator, audience, document, version) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING'
const changeText =
  'UPDATE resources SET audience = $1, document = $2, version = version + 1 WHERE indicator = $3 AND version = $4'
const removeText = 'DELETE FROM resources WHERE indicator = $1 AND version = $2'

function aboutResource(indicator: string): string {
  return `resource ${indicator}`
}

function readingOf(row: Row): ResourceReading {
  return { resource: JSON.parse(textAt(row, 0)) as Resource, version: numberAt(row, 1) }
}

/** Types of authorization details, each one JSON document with a version, found by its name. */

import type {
  DetailsType,
  DetailsTypeReading,
  DetailsTypeStore,
} from '../../domain/authorization-details/details-type.ts'
import { eventStatements } from './events.ts'
import { numberAt, type Row, type Sql, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

export function sqlDetailsTypes(sql: Sql, clock: StoreClock): DetailsTypeStore {
  return {
    read: async type => {
      const [row] = await sql.read({ text: readText, params: [type] })
      return row === undefined ? null : readingOf(row)
    },
    list: async limit => {
      const rows = await sql.read({ text: listText, params: [limit] })
      return rows.map(row => readingOf(row).detailsType)
    },
    names: async limit => {
      const rows = await sql.read({ text: namesText, params: [limit] })
      return rows.map(row => textAt(row, 0))
    },
    add: async (detailsType, events) => {
      // Versions begin at the store's time: a name that is given again later meets no version of before.
      const version = await readNowMs(sql, clock)
      const { type } = detailsType
      const guard = { text: addText, params: [type, JSON.stringify(detailsType), version] }
      return sql.write({ about: aboutType(type), guard, statements: eventStatements(events) })
    },
    change: async (detailsType, version, events) => {
      const { type } = detailsType
      const guard = { text: changeText, params: [JSON.stringify(detailsType), type, version] }
      return sql.write({ about: aboutType(type), guard, statements: eventStatements(events) })
    },
    remove: async (type, version, events) => {
      const guard = { text: removeText, params: [type, version] }
      return sql.write({ about: aboutType(type), guard, statements: eventStatements(events) })
    },
  }
}

const readText = 'SELECT document, version FROM details_types WHERE type = $1'
const namesText = 'SELECT type FROM details_types ORDER BY type LIMIT $1'
const listText = 'SELECT document, version FROM details_types ORDER BY type LIMIT $1'
const addText = 'INSERT INTO details_types (type, document, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'
const changeText = 'UPDATE details_types SET document = $1, version = version + 1 WHERE type = $2 AND version = $3'
const removeText = 'DELETE FROM details_types WHERE type = $1 AND version = $2'

function aboutType(type: string): string {
  return `details type ${type}`
}

function readingOf(row: Row): DetailsTypeReading {
  return { detailsType: JSON.parse(textAt(row, 0)) as DetailsType, version: numberAt(row, 1) }
}

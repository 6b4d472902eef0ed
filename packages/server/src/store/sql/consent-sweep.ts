/** Consents to clients that are gone: nobody asks for them any more, so they are found by walking the table. */

import { always, type Sql, textAt } from './sql.ts'

/**
 * Looks at the next consents and forgets those to clients that are gone, also where another has taken the id since.
 * Answers where to go on.
 */
export async function sweepConsents(sql: Sql, after: readonly string[], limit: number): Promise<readonly string[]> {
  const rows = await sql.read({ text: pageText, params: [...after, limit] })
  const keys = rows.map(row => [textAt(row, 0), textAt(row, 1), textAt(row, 2)])
  const gone = keys.filter((_, at) => rows[at]?.[3] === 0)
  if (gone.length > 0) await sql.write(always(gone.map(params => ({ text: forgetGoneText, params }))))
  return rows.length < limit ? ['', '', ''] : (keys.at(-1) ?? ['', '', ''])
}

const isToClientText = `(SELECT count(*) FROM clients WHERE clients.id = consents.client_id
AND clients.added_ms <= consents.given_ms)`

const pageText = `SELECT subject, client_id, scope, ${isToClientText} FROM consents
WHERE (subject, client_id, scope) > ($1, $2, $3) ORDER BY subject, client_id, scope LIMIT $4`

const forgetGoneText = `DELETE FROM consents WHERE subject = $1 AND client_id = $2 AND scope = $3
AND ${isToClientText} = 0`

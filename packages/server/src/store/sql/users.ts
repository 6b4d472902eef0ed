/** Users, found by subject or by the key of their e-mail address. */

import type { Subject } from '@pawl/family'
import { emailKey } from '../../domain/user/email-key.ts'
import type { User, UserReading, UserStore } from '../../domain/user/user.ts'
import { endStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { numberAt, type Row, type Sql, type Statement, textAt, type Value } from './sql.ts'
import type { StoreClock } from './store-clock.ts'

export function sqlUsers(sql: Sql, clock: StoreClock): UserStore {
  async function readOne(where: string, key: string): Promise<UserReading | null> {
    const rows = await sql.read({ text: `${selectText} WHERE ${where} = $1`, params: [key] })
    const row = rows[0]
    return row === undefined ? null : readingOf(row)
  }

  return {
    read: subject => readOne('subject', subject),
    readByEmailKey: key => readOne('email_key', key),
    list: async limit => {
      const rows = await sql.read({ text: `${selectText} ORDER BY email_key LIMIT $1`, params: [limit] })
      return rows.map(row => readingOf(row).user)
    },
    add: async (user, events) => {
      const guard = addUserStatement(user)
      return sql.write({ about: aboutUser(user.subject), guard, statements: eventStatements(events) })
    },
    change: async (user, version, ends, events) => {
      const guard = { text: changeText, params: [...valuesOf(user), version] }
      const cuts = endStatements(user.subject, ends, clock, user.disabled ? 'user disabled' : 'user changed')
      return sql.write({ about: aboutUser(user.subject), guard, statements: [...cuts, ...eventStatements(events)] })
    },
  }
}

const columns = 'subject, email_key, email, email_verified, password_hash, claims, disabled, created_ms'
const selectText = `SELECT ${columns}, version FROM users`
const addText = `INSERT INTO users (${columns}, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
ON CONFLICT DO NOTHING`

/** An address that somebody else has taken meanwhile is a row that moved, like any other. */
const changeText = `UPDATE users SET email_key = $2, email = $3, email_verified = $4, password_hash = $5, claims = $6,
disabled = $7, created_ms = $8, version = version + 1 WHERE subject = $1 AND version = $9
AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email_key = $2 AND u.subject <> $1)`

/** Changes no row where the address or the subject is taken. Throws a RangeError for what is no address. */
export function addUserStatement(user: User): Statement {
  return { text: addText, params: valuesOf(user) }
}

export function aboutUser(subject: Subject): string {
  return `user ${subject}`
}

function valuesOf(user: User): Value[] {
  const key = emailKey(user.email)
  if (key === null) throw new RangeError(`user ${user.subject} has no valid e-mail address`)
  return [
    user.subject,
    key,
    user.email,
    user.emailVerified ? 1 : 0,
    user.passwordHash,
    JSON.stringify(user.claims),
    user.disabled ? 1 : 0,
    user.createdAtMs,
  ]
}

function readingOf(row: Row): UserReading {
  const user: User = {
    subject: textAt(row, 0) as Subject,
    email: textAt(row, 2),
    emailVerified: numberAt(row, 3) === 1,
    passwordHash: textAt(row, 4),
    claims: JSON.parse(textAt(row, 5)) as User['claims'],
    disabled: numberAt(row, 6) === 1,
    createdAtMs: numberAt(row, 7),
  }
  return { user, version: numberAt(row, 8) }
}

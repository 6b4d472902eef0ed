/** One user, by whichever name the operator has at hand. */

import { parseSubject } from '../domain/identifiers.ts'
import { emailKey } from '../domain/user/email-key.ts'
import type { UserReading } from '../domain/user/user.ts'
import { AdminRefused, type Workbench } from './workbench.ts'

/** By e-mail where there is an @, by subject otherwise. Throws `AdminRefused` when there is no such user. */
export async function findUser(workbench: Workbench, text: string): Promise<UserReading> {
  const reading = text.includes('@') ? await byEmail(workbench, text) : await bySubject(workbench, text)
  if (reading === null) throw new AdminRefused(`There is no user ${JSON.stringify(text.slice(0, 320))}.`)
  return reading
}

async function byEmail(workbench: Workbench, text: string): Promise<UserReading | null> {
  const key = emailKey(text)
  return key === null ? null : workbench.store.users.readByEmailKey(key)
}

async function bySubject(workbench: Workbench, text: string): Promise<UserReading | null> {
  const subject = parseSubject(text)
  return subject === null ? null : workbench.store.users.read(subject)
}

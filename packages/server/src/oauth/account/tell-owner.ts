/**
 * Word to people, by mail, of a change to how they sign in: whoever did not make it learns that somebody did. A few an hour
 * go to one person, so that nobody is buried under them.
 */

import type { Subject } from '@pawl/family'
import { mayTell } from '../../domain/user/password-mail.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { type ChangedWay, passwordChangedMail, wayChangedMail } from './mails.ts'

/** Goes out in the background, where mail goes out at all. */
export function tellOfChange(server: AuthorizationServer, subject: Subject, what: ChangedWay | 'password'): void {
  const { mailer } = server
  if (mailer === null) return
  server.background.run(async () => {
    const user = (await server.store.users.read(subject))?.user ?? null
    if (user === null || !(await mayTell(server.store.throttles, server.hasher, subject))) return
    const about = { to: user.email, issuer: server.issuer }
    await mailer.send(what === 'password' ? passwordChangedMail(about) : wayChangedMail({ ...about, what }))
  })
}

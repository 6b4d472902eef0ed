/** What a person does on Pawl's own pages, found by what is written on them. */

import type { Page } from 'playwright-core'
import { person } from './web-example.ts'

export async function typeSignIn(page: Page, password = person.password): Promise<void> {
  await page.getByLabel('E-mail').fill(person.email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

export async function allow(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Allow' }).click()
}

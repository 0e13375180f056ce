-- Rows of the multi-tenant application, by the role postgres, when its users are there.

insert into public.memberships (org_id, user_id, role) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001', 'owner'),
  ('aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002', 'viewer'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'bbbbbbbb-0000-4000-8000-000000000003', 'owner');
insert into public.invitations (token, org_id, email) values
  ('cccccccc-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'ada@example.com');
insert into public.projects (id, org_id, name) values
  (1, 'aaaaaaaa-0000-4000-8000-000000000001', 'engine'),
  (2, 'aaaaaaaa-0000-4000-8000-000000000002', 'compiler');
insert into public.documents (id, project_id, author_id, title, status) values
  (1, 1, 'bbbbbbbb-0000-4000-8000-000000000001', 'Notes on the engine', 'published'),
  (2, 1, 'bbbbbbbb-0000-4000-8000-000000000002', 'A draft', 'draft'),
  (3, 2, 'bbbbbbbb-0000-4000-8000-000000000003', 'On computable numbers', 'draft');
insert into public.comments (id, document_id, parent_id, author_id, body) values
  (1, 1, null, 'bbbbbbbb-0000-4000-8000-000000000002', 'Well said'),
  (2, 1, 1, 'bbbbbbbb-0000-4000-8000-000000000001', 'Thank you'),
  (3, 3, null, 'bbbbbbbb-0000-4000-8000-000000000003', 'To be continued');
insert into public.attachments (document_id, path) values (1, 'engine.png'), (3, 'tape.png');
insert into public.api_keys (org_id, name, secret_hash) values
  ('aaaaaaaa-0000-4000-8000-000000000001', 'deploy', 'x'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'ci', 'y');
insert into public.feature_flags (name, enabled) values ('dark_mode', true), ('beta', false);
-- The next numbers are free.
select setval('public.projects_id_seq', 100), setval('public.documents_id_seq', 100),
  setval('public.comments_id_seq', 100);
refresh materialized view public.org_usage;

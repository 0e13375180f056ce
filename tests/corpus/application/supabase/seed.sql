insert into experts (id, name, city) values
  ('00000000-0000-0000-0000-000000000001', 'Ada', 'London'),
  ('00000000-0000-0000-0000-000000000002', 'Grace', 'New York; from experts');
insert into customers (email) values ('experts@example.com');
insert into bookings (expert_id, customer_id, starts_at)
  select experts.id, customers.id, now() from experts cross join customers;
COPY public.expert_tags (expert_id, tag_id) FROM stdin;
00000000-0000-0000-0000-000000000001	'select * from experts;
\.
select count(*) from bookings;

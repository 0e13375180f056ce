begin;
select plan(3);
select has_table('public', 'bookings', 'bookings is there');
select results_eq('select count(*)::int from experts', array[2], 'two experts');
select is((select count(*)::int from bookings), 2, 'each expert has a booking');
select * from finish();
rollback;

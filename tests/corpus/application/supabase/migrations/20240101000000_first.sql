create table experts (id uuid primary key);
create table bookings (id uuid primary key, expert_id uuid references experts (id));
